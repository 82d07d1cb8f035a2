/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failure.h"

static void test_returns(void **state) {
        static const struct {
                int code, expected;
        } rows[] = {{ENOENT, -ENOENT}, {0, -EIO}, {-5, -EIO}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Failure failure = FAILURE_NULL;

                assert_int_equal(failure_set(&failure, FAILURE_STAGE_POLICY, rows[i].code, "x"),
                                 rows[i].expected);
                assert_int_equal(failure.stage, FAILURE_STAGE_POLICY);
                assert_int_equal(failure.code, rows[i].code);
                assert_int_equal(failure_set(NULL, FAILURE_STAGE_POLICY, rows[i].code, "x"),
                                 rows[i].expected);
                assert_int_equal(failure_errno(NULL, FAILURE_STAGE_POLICY, rows[i].code, "x"),
                                 rows[i].expected);
                assert_int_equal(failure_lit(NULL, FAILURE_STAGE_POLICY, rows[i].code, "x"),
                                 rows[i].expected);
        }
}

static void test_words(void **state) {
        Failure failure = FAILURE_NULL;

        (void)state;
        (void)failure_set(&failure, FAILURE_STAGE_AGENT, EIO, "cannot open '%s'", "/x");
        assert_string_equal(failure.text, "cannot open '/x'");
        (void)failure_errno(&failure, FAILURE_STAGE_AGENT, ENOENT, "cannot open '%s'", "/x");
        assert_string_equal(failure.text, "cannot open '/x': No such file or directory");
        (void)failure_lit(&failure, FAILURE_STAGE_AGENT, EIO, "100%s");
        assert_string_equal(failure.text, "100%s");
}

static void test_long_words_are_cut(void **state) {
        char text[FAILURE_TEXT_MAX * 2];
        Failure failure = FAILURE_NULL;

        (void)state;
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        (void)failure_set(&failure, FAILURE_STAGE_AGENT, EIO, "%s", text);
        assert_int_equal(strlen(failure.text), FAILURE_TEXT_MAX - 1);
        (void)failure_errno(&failure, FAILURE_STAGE_AGENT, EIO, "%s", text);
        assert_int_equal(strlen(failure.text), FAILURE_TEXT_MAX - 1);
        (void)failure_lit(&failure, FAILURE_STAGE_AGENT, EIO, text);
        assert_int_equal(strlen(failure.text), FAILURE_TEXT_MAX - 1);
}

static void test_sanitise(void **state) {
        static const struct {
                const char *text, *expected;
        } rows[] = {
                {"", ""},
                {"plain", "plain"},
                {"a\nb\x1b[31m\x7f", "a b [31m "},
                {"z\xc3\xbcrich \xe2\x82\xac", "z\xc3\xbcrich \xe2\x82\xac"},
                {"latin \xfc", "latin ?"},
                {"cut \xe2\x82", "cut ??"},
                {"c1 \xc2\x9b"
                 "31m",
                 "c1   31m"}, /* CSI of one character */
                {"\xc2\xa0", "\xc2\xa0"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Failure failure = {.stage = FAILURE_STAGE_WORKER};

                memcpy(failure.text, rows[i].text, strlen(rows[i].text) + 1);
                failure_sanitise(&failure);
                assert_string_equal(failure.text, rows[i].expected);
                assert_int_equal(failure.stage, FAILURE_STAGE_WORKER);
        }
}

static void test_sanitise_bounds(void **state) {
        Failure failure = {.stage = _FAILURE_STAGE_N};

        (void)state;
        memset(failure.text, 0xe2, sizeof(failure.text)); /* no NUL, and cut in a character */
        failure_sanitise(&failure);
        assert_int_equal(failure.stage, FAILURE_STAGE_NONE);
        assert_int_equal(strlen(failure.text), FAILURE_TEXT_MAX - 1);
        assert_int_equal(strspn(failure.text, "?"), FAILURE_TEXT_MAX - 1);
}

static void test_stage_names(void **state) {
        (void)state;
        for (unsigned int i = 0; i < _FAILURE_STAGE_N; ++i)
                assert_string_not_equal(failure_stage_name(i), "unknown");
        assert_string_equal(failure_stage_name(FAILURE_STAGE_ZYGOTE), "zygote");
        assert_string_equal(failure_stage_name(_FAILURE_STAGE_N), "unknown");
        assert_string_equal(failure_stage_name(UINT32_MAX), "unknown");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_returns),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_long_words_are_cut),
                cmocka_unit_test(test_sanitise),
                cmocka_unit_test(test_sanitise_bounds),
                cmocka_unit_test(test_stage_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
