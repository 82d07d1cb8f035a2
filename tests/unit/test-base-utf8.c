/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void test_sequence(void **state) {
        static const struct {
                const char *bytes;
                size_t length, expected;
        } rows[] = {
                {"", 0, 0},
                {"a", 1, 1},
                {"\0", 1, 1},
                {"\x7f", 1, 1},
                {"\x80", 1, 0},
                {"\xc2\x80", 2, 2},
                {"\xc1\xbf", 2, 0}, /* overlong */
                {"\xc3", 1, 0},
                {"\xc3x", 2, 0},
                {"\xe0\xa0\x80", 3, 3},
                {"\xe0\x9f\xbf", 3, 0}, /* overlong */
                {"\xe2\x82\xac", 2, 0},
                {"\xed\x9f\xbf", 3, 3},
                {"\xed\xa0\x80", 3, 0}, /* a surrogate */
                {"\xee\x80\x80", 3, 3},
                {"\xe2\x82x", 3, 0},
                {"\xf0\x90\x80\x80", 4, 4},
                {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
                {"\xf4\x8f\xbf\xbf", 4, 4},
                {"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
                {"\xf5\x80\x80\x80", 4, 0},
                {"\xff", 1, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_int_equal(utf8_sequence(rows[i].bytes, rows[i].length), rows[i].expected);
}

static void test_span(void **state) {
        (void)state;
        assert_int_equal(utf8_span("", 0), 0);
        assert_int_equal(utf8_span("a\xe2\x82\xac", 4), 4);
        assert_int_equal(utf8_span("a\xe2\x82\xac", 3), 1);
        assert_int_equal(utf8_span("ab\xff"
                                   "c",
                                   4),
                         2);
}

static void test_encode_is_what_sequence_takes(void **state) {
        (void)state;
        for (uint32_t c = 0; c < 0x110400; ++c) {
                char out[UTF8_SEQUENCE_MAX];
                size_t n = utf8_encode(c, out);

                if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
                        assert_int_equal(n, 0);
                else if (n == 0 || utf8_sequence(out, n) != n)
                        fail_msg("U+%04X", c);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sequence),
                cmocka_unit_test(test_span),
                cmocka_unit_test(test_encode_is_what_sequence_takes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
