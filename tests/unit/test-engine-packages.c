/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/packages.h"

static void test_pinned(void **state) {
        static const struct {
                const char *text, *canonical; /* NULL: refused */
        } rows[] = {
                {"six==1.16.0", "six==1.16.0"},
                {"Six==1.16.0", "six==1.16.0"},
                {"ruamel.yaml==0.18", "ruamel-yaml==0.18"},
                {"a__b--c..d==1", "a-b-c-d==1"},
                {"pandas[excel]==2.2.2", "pandas[excel]==2.2.2"},
                {"pandas[Excel,aws]==2.2.2", "pandas[aws,excel]==2.2.2"},
                {"pandas[aws,aws]==2.2.2", "pandas[aws]==2.2.2"},
                {"pandas[]==2.2.2", "pandas==2.2.2"},
                {"torch==2.3.0+cpu", "torch==2.3.0+cpu"},
                {"x==1!2.0rc1.post2.dev3", "x==1!2.0rc1.post2.dev3"},
                {"", NULL},
                {"six", NULL},
                {"six>=1.16", NULL},
                {"six==", NULL},
                {"==1.0", NULL},
                {"six==1.*", NULL},
                {"six===1.0", NULL},
                {"six==1.0,<2", NULL},
                {"six == 1.0", NULL},
                {" six==1.0", NULL},
                {"six==1.0 ", NULL},
                {"six==1.0; python_version<'3'", NULL},
                {"six==1.0;python_version<'3'", NULL},
                {"six@https://evil/six.whl", NULL},
                {"six==1.0@x", NULL},
                {"./six==1.0", NULL},
                {"-rfile==1.0", NULL},
                {"--index-url=x==1", NULL},
                {"six==--pre", NULL},
                {"six==1.0\n--pre", NULL},
                {"six==1.0 --pre", NULL},
                {"s\xc3\xafx==1.0", NULL},
                {"six-==1.0", NULL},
                {"_six==1.0", NULL},
                {"pandas[excel==1", NULL},
                {"pandas[,]==1", NULL},
                {"git+https://x==1", NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(strings_deinitp) Strings packages = STRINGS_NULL;
                Failure failure = FAILURE_NULL;
                int r = packages_add_pinned(&packages, rows[i].text, &failure);

                if (rows[i].canonical) {
                        assert_int_equal(r, 0);
                        assert_string_equal(packages.items[0], rows[i].canonical);
                } else {
                        assert_int_equal(r, -EINVAL);
                        assert_int_equal(failure.stage, FAILURE_STAGE_REQUEST);
                        assert_non_null(strstr(failure.text, "pinned"));
                        assert_int_equal(packages.n_items, 0);
                }
        }
}

static void test_requirement(void **state) {
        static const struct {
                const char *text, *canonical; /* NULL: refused */
        } rows[] = {
                {"requests", "requests"},
                {"requests<3", "requests<3"},
                {"requests >= 2.8.1, == 2.8.*", "requests>=2.8.1,==2.8.*"},
                {"requests (>=2,<3)", "requests>=2,<3"},
                {"requests [security, tests] >= 2", "requests[security,tests]>=2"},
                {"tomli; python_version < '3.11'", "tomli; python_version < '3.11'"},
                {"tomli~=2.0 ; python_version<\"3.11\"", "tomli~=2.0; python_version<\"3.11\""},
                {"x != 1", "x!=1"},
                {"requests @ https://evil/x.whl", NULL},
                {"https://evil/x.whl", NULL},
                {"/etc/passwd", NULL},
                {"-e .", NULL},
                {"--pre", NULL},
                {"a b", NULL},
                {"a >= ", NULL},
                {"a (>=1", NULL},
                {"a >=1,", NULL},
                {"a;", NULL},
                {"a; x `id`", NULL},
                {"a; x\ny", NULL},
                {"a = 1", NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(strings_deinitp) Strings packages = STRINGS_NULL;
                Failure failure = FAILURE_NULL;
                int r = packages_add_requirement(&packages, rows[i].text, &failure);

                assert_int_equal(r, rows[i].canonical ? 0 : -EINVAL);
                if (rows[i].canonical)
                        assert_string_equal(packages.items[0], rows[i].canonical);
                else
                        assert_non_null(strstr(failure.text, rows[i].text));
        }
}

static void test_long_text_is_refused(void **state) {
        char text[REQUIREMENT_TEXT_MAX + 100];
        Requirement requirement;
        Failure failure = FAILURE_NULL;

        (void)state;
        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(requirement_parse(&requirement, text, &failure), -EINVAL);
        text[REQUIREMENT_TEXT_MAX - 1] = '\0';
        assert_int_equal(requirement_parse(&requirement, text, &failure), 0);
        assert_int_equal(strlen(requirement.name), REQUIREMENT_TEXT_MAX - 1);
}

static void test_pinned_version(void **state) {
        static const struct {
                const char *text, *version;
        } rows[] = {
                {"a==1.0", "1.0"}, {"a == 1.0", "1.0"}, {"a", NULL},       {"a>=1", NULL},
                {"a===1", NULL},   {"a==1.*", NULL},    {"a==1,>0", NULL}, {"a==1; x=='y'", NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Requirement requirement;
                const char *version;

                assert_int_equal(requirement_parse(&requirement, rows[i].text, NULL), 0);
                version = requirement_pinned_version(&requirement);
                assert_int_equal(!version, !rows[i].version);
                if (version)
                        assert_string_equal(version, rows[i].version);
        }
}

static void test_sets(void **state) {
        _cleanup_(strings_deinitp) Strings one = STRINGS_NULL, two = STRINGS_NULL;

        (void)state;
        assert_int_equal(packages_add_pinned(&one, "b==1", NULL), 0);
        assert_int_equal(packages_add_pinned(&one, "B==1", NULL), 0);
        assert_int_equal(packages_add_pinned(&one, "a==1", NULL), 0);
        assert_int_equal(one.n_items, 2);
        assert_int_equal(packages_add_pinned(&two, "a==1", NULL), 0);
        assert_true(packages_are_among(&two, &one));
        assert_false(packages_are_among(&one, &two));
        assert_int_equal(packages_add_pinned(&two, "b==1", NULL), 0);
        strings_sort(&one);
        strings_sort(&two);
        assert_true(packages_hash(&one, "seed") == packages_hash(&two, "seed"));
        assert_true(packages_hash(&one, "seed") != packages_hash(&two, "other"));
        assert_int_equal(packages_add_pinned(&two, "c==1", NULL), 0);
        assert_true(packages_hash(&one, "seed") != packages_hash(&two, "seed"));
}

static void test_set_is_bounded(void **state) {
        _cleanup_(strings_deinitp) Strings packages = STRINGS_NULL;
        Failure failure = FAILURE_NULL;
        char text[32];

        (void)state;
        for (unsigned int i = 0; i < PACKAGES_MAX; ++i) {
                (void)snprintf(text, sizeof(text), "p%u==1", i);
                assert_int_equal(packages_add_pinned(&packages, text, &failure), 0);
        }
        assert_int_equal(packages_add_pinned(&packages, "p0==1", &failure), 0);
        assert_int_equal(packages_add_pinned(&packages, "more==1", &failure), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pinned),
                cmocka_unit_test(test_requirement),
                cmocka_unit_test(test_long_text_is_refused),
                cmocka_unit_test(test_pinned_version),
                cmocka_unit_test(test_sets),
                cmocka_unit_test(test_set_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
