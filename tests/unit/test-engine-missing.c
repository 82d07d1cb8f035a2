/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "engine/missing.h"
#include "scratch.h"

/* Answers with what the file "answer" holds, and notes its arguments behind the program's text. */
#define FAKE_PYTHON                                                                                \
        "#!/bin/sh\n"                                                                              \
        "root=${0%/*}\n"                                                                           \
        "[ \"$1 $2\" = '-I -c' ] || exit 9\n"                                                      \
        "shift 3\n"                                                                                \
        "for a; do echo \"<$a>\"; done >\"$root/arguments\"\n"                                     \
        ". \"$root/answer\"\n"

static int find_missing(const char *answer,
                        const char *const *requirements,
                        const char *requires_python,
                        Strings *missing,
                        Failure *failure) {
        _cleanup_(strings_deinitp) Strings list = STRINGS_NULL;

        (void)scratch_write("answer", answer);
        *failure = FAILURE_NULL;
        assert_int_equal(strings_add_array(&list, requirements), 0);
        return missing_find(missing, scratch_write("python", FAKE_PYTHON), NULL, &list,
                            requires_python, failure);
}

static void test_arguments_and_answer(void **state) {
        const char *const requirements[] = {"Six == 1.16", "rich[x]", "tomli; python_version<'3'",
                                            NULL};
        _cleanup_(strings_deinitp) Strings missing = STRINGS_NULL;
        Failure failure;

        (void)state;
        assert_int_equal(find_missing("echo noise\n"
                                      "for i in 0 2 -1 4 99999999999999999999 x ''; do\n"
                                      "        echo spr-missing:$i\n"
                                      "done\n"
                                      "echo spr-missing:end\n",
                                      requirements, ">= 3.12", &missing, &failure),
                         0);
        assert_string_equal(scratch_read("arguments"), "<>=3.12>\n"
                                                       "<six>\n<==1.16>\n<>\n"
                                                       "<rich>\n<>\n<>\n"
                                                       "<tomli>\n<>\n<python_version<'3'>\n");
        assert_int_equal(missing.n_items, 2);
        assert_string_equal(missing.items[0], "python>= 3.12");
        assert_string_equal(missing.items[1], "rich[x]");
}

static void test_failures(void **state) {
        static const struct {
                const char *answer, *requirement, *requires_python, *words;
                int r;
        } rows[] = {
                {"echo 'No module named importlib' >&2; exit 1", "six", NULL,
                 "cannot say which packages it has (exit status 1): No module",
                 MISSING_E_INTERPRETER},
                {"exit 0", "six", NULL, "it said nothing", MISSING_E_INTERPRETER},
                {"", "six @ https://x", NULL, "'six @ https://x' is not a requirement", -EINVAL},
                {"", "six", "3.11; evil", "requires-python '3.11; evil' is not", -EINVAL},
                {"", "six", "[x]>=3", "requires-python", -EINVAL},
                {"", "six", "s>=3", "requires-python", -EINVAL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const char *const requirements[] = {rows[i].requirement, NULL};
                _cleanup_(strings_deinitp) Strings missing = STRINGS_NULL;
                Failure failure;

                assert_int_equal(find_missing(rows[i].answer, requirements, rows[i].requires_python,
                                              &missing, &failure),
                                 rows[i].r);
                assert_non_null(strstr(failure.text, rows[i].words));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_arguments_and_answer, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_failures, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
