/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "scratch.h"
#include "spr/spr.h"

static void script_freep(SprScript **scriptp) {
        (void)spr_script_free(*scriptp);
}

static SprScript *make_script(const char *code) {
        SprScript *script = NULL;
        SprError error = {0};

        assert_int_equal(spr_script_new(&script, code, strlen(code), "job.py", &error), 0);
        return script;
}

static void test_without_metadata(void **state) {
        _cleanup_(script_freep) SprScript *script = make_script("x = 1\n");
        char *missing = NULL;

        (void)state;
        assert_null(spr_script_get_dependency(script, 0));
        assert_null(spr_script_get_requires_python(script));
        /* nothing to ask: no process */
        assert_int_equal(spr_script_find_missing(script, "/nowhere", NULL, &missing, NULL), 0);
        assert_null(missing);
}

static void test_missing(void **state) {
        _cleanup_(script_freep) SprScript *script =
                make_script("# /// script\n# dependencies = ['six', 'rich<9']\n"
                            "# requires-python = '>=3.99'\n# ///\n");
        const char *python = scratch_write("python", "#!/bin/sh\necho spr-missing:0\n"
                                                     "echo spr-missing:2\necho spr-missing:end\n");
        SprError error = {0};
        char *missing = NULL;

        (void)state;
        assert_string_equal(spr_script_get_dependency(script, 0), "six");
        assert_string_equal(spr_script_get_dependency(script, 1), "rich<9");
        assert_null(spr_script_get_dependency(script, 2));
        assert_string_equal(spr_script_get_requires_python(script), ">=3.99");
        assert_int_equal(spr_script_find_missing(script, python, NULL, &missing, &error), 0);
        assert_string_equal(scratch_keep(missing), "python>=3.99, rich<9");
        missing = NULL;
        (void)scratch_write("python", "#!/bin/sh\necho spr-missing:end\n");
        assert_int_equal(spr_script_find_missing(script, python, NULL, &missing, &error), 0);
        assert_null(missing);
        (void)scratch_write("python", "#!/bin/sh\nexit 1\n");
        assert_int_equal(spr_script_find_missing(script, python, NULL, &missing, &error),
                         SPR_E_INTERPRETER);
        assert_non_null(strstr(error.message, "cannot say which packages it has"));
}

static void test_errors(void **state) {
        static const char broken[] = "# /// script\n# a = \n# ///\n";
        _cleanup_(script_freep) SprScript *odd =
                make_script("# /// script\n# dependencies = ['x @ https://y']\n# ///\n");
        SprScript *script = NULL;
        SprError error = {0};
        char *missing = NULL;

        (void)state;
        assert_int_equal(spr_script_new(&script, broken, strlen(broken), "job.py", &error),
                         SPR_E_INVALID);
        assert_memory_equal(error.message, "job.py:2: ", 10);
        assert_null(script);
        assert_int_equal(spr_script_find_missing(odd, "/bin/true", NULL, &missing, &error),
                         SPR_E_INVALID);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_without_metadata),
                TEST(test_missing),
                TEST(test_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
