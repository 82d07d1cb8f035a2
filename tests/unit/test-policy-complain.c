/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failure.h"
#include "base/utf8.h"
#include "policy/complain.h"

#define ELLIPSIS "\xe2\x80\xa6"

static void test_place(void **state) {
        static const struct {
                Place place;
                const char *expected;
        } rows[] = {
                {{"a.toml", 3}, "a.toml:3: no 'x'"},
                {{"a.toml", 0}, "a.toml: no 'x'"},
                {{"a\nb\xff", 4000000000}, "a?b?:4000000000: no 'x'"},
                {{NULL, 3}, "no 'x'"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Failure failure = FAILURE_NULL;

                assert_int_equal(policy_complain(&failure, &rows[i].place, "no '%s'", "x"),
                                 -EINVAL);
                assert_int_equal(failure.stage, FAILURE_STAGE_POLICY);
                assert_int_equal(failure.code, EINVAL);
                assert_string_equal(failure.text, rows[i].expected);
                assert_int_equal(policy_complain(NULL, &rows[i].place, "no"), -EINVAL);
        }
}

static void test_quote(void **state) {
        static const struct {
                const char *text;
                size_t length;
                const char *expected;
        } rows[] = {
                {"", 0, ""},
                {"abc", 3, "abc"},
                {"a\0b\x1b[1m\x7f", 8, "a?b?[1m?"},
                {"a\xff\xe2\x82\xac", 5, "a?\xe2\x82\xac"},
        };
        char quoted[QUOTE_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_string_equal(policy_quote(quoted, rows[i].text, rows[i].length),
                                    rows[i].expected);
}

/* Cut at a character, for every way the characters can fall. */
static void test_quote_long(void **state) {
        char text[3 * QUOTE_MAX], quoted[QUOTE_MAX];

        (void)state;
        for (size_t shift = 0; shift < 3; ++shift) {
                memset(text, 'x', shift);
                for (size_t i = shift; i + 3 <= sizeof(text); i += 3)
                        memcpy(text + i, "\xe2\x82\xac", 3);
                policy_quote(quoted, text, 3 * QUOTE_MAX - 3);
                assert_true(strlen(quoted) < QUOTE_MAX);
                assert_int_equal(utf8_span(quoted, strlen(quoted)), strlen(quoted));
                assert_string_equal(quoted + strlen(quoted) - 3, ELLIPSIS);
        }
}

static void test_long(void **state) {
        char source[4096], words[2000];
        Place place = {source, UINT32_MAX};
        Failure failure = FAILURE_NULL;

        (void)state;
        memset(words, 'w', sizeof(words) - 1);
        words[sizeof(words) - 1] = '\0';
        for (size_t length = 180; length < 260; ++length) {
                for (size_t i = 0; i < length; ++i)
                        source[i] = "\xc3\xa4"[i % 2];
                (void)strncpy(source + (length & ~(size_t)1), "/end.toml", 10);
                assert_int_equal(policy_complain(&failure, &place, "%s", words), -EINVAL);
                assert_non_null(strstr(failure.text, "/end.toml:4294967295: www"));
                assert_int_equal(utf8_span(failure.text, strlen(failure.text)),
                                 strlen(failure.text));
        }
        assert_memory_equal(failure.text, ELLIPSIS, 3);
}

static void test_errno(void **state) {
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(policy_complain_errno(&failure, ENOENT, "open", "/etc/x.toml"), -ENOENT);
        assert_string_equal(failure.text, "cannot open '/etc/x.toml': No such file or directory");
        assert_int_equal(failure.stage, FAILURE_STAGE_POLICY);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_place),      cmocka_unit_test(test_quote),
                cmocka_unit_test(test_quote_long), cmocka_unit_test(test_long),
                cmocka_unit_test(test_errno),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
