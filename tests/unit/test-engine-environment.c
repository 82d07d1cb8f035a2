/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/environment.h"

static void test_what_misleads_is_dropped(void **state) {
        static const char *const dropped[] = {
                "PYTHONPATH=/evil",
                "PYTHONHOME=/evil",
                "PYTHONSTARTUP=/evil.py",
                "VIRTUAL_ENV=/other",
                "VIRTUAL_ENV_PROMPT=x",
                "__PYVENV_LAUNCHER__=/x",
                "PIP_TARGET=/x",
                "PIP_USER=1",
                "PIP_NO_BINARY=:all:",
                "UV_PYTHON=3.9",
                "UV_NO_BINARY_PACKAGE=x",
                "NO_COLOR=",
                "novalue",
                "=nothing",
                NULL,
        };
        static const char *const kept[] = {
                "HOME=/root",
                "PATH=/somewhere",
                "PIP_INDEX_URL=https://index",
                "UV_INDEX_URL=https://index",
                "HTTPS_PROXY=http://proxy",
                "SSL_CERT_FILE=/cert",
                "PIP_USERS=not PIP_USER",
                "MYPYTHON=x",
                "EMPTY=",
                NULL,
        };
        _cleanup_(strings_deinitp) Strings given = STRINGS_NULL, built = STRINGS_NULL;

        (void)state;
        assert_int_equal(strings_add_array(&given, dropped), 0);
        assert_int_equal(strings_add_array(&given, kept), 0);
        assert_int_equal(environment_build(&built, strings_array(&given), "/never"), 0);
        for (size_t i = 0; dropped[i]; ++i)
                assert_false(strings_contain(&built, dropped[i]));
        for (size_t i = 0; kept[i]; ++i)
                assert_true(strings_contain(&built, kept[i]));
        assert_false(strings_contain(&built, "PATH=/never"));
        assert_true(strings_contain(&built, "NO_COLOR=1"));
        assert_true(strings_contain(&built, "PIP_NO_INPUT=1"));
}

static void test_there_is_always_a_path(void **state) {
        _cleanup_(strings_deinitp) Strings given = STRINGS_NULL, built = STRINGS_NULL;

        (void)state;
        assert_int_equal(environment_build(&given, NULL, "/a:/b"), 0);
        assert_true(strings_contain(&given, "PATH=/a:/b"));
        assert_int_equal(environment_build(&built, NULL, NULL), 0);
        assert_true(strings_contain(&built, "PATH=" ENVIRONMENT_SEARCH_PATH));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_misleads_is_dropped),
                cmocka_unit_test(test_there_is_always_a_path),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
