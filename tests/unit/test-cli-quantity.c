/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/clock.h"
#include "cli/quantity.h"

typedef struct Case Case;

struct Case {
        const char *text;
        int r;
        uint64_t value;
};

static void check(const Case *cases, size_t n, int (*parse)(const char *, uint64_t *)) {
        for (size_t i = 0; i < n; i++) {
                uint64_t value = 0;
                int r = parse(cases[i].text, &value);

                if (r != cases[i].r || value != cases[i].value)
                        fail_msg("'%s': %d, %llu", cases[i].text, r, (unsigned long long)value);
        }
}

static void test_durations(void **state) {
        static const Case cases[] = {
                {"5", 0, 5 * NSEC_PER_SEC},
                {"0", 0, 0},
                {"0.5s", 0, NSEC_PER_SEC / 2},
                {"0.25", 0, NSEC_PER_SEC / 4},
                {"1ns", 0, 1},
                {"1.9ns", 0, 1},
                {"1.5us", 0, 1500},
                {"250ms", 0, 250 * NSEC_PER_MSEC},
                {"2m", 0, 120 * NSEC_PER_SEC},
                {"24h", 0, 86400 * NSEC_PER_SEC},
                {"1H", 0, 3600 * NSEC_PER_SEC},
                {"000000000000000000000000005s", 0, 5 * NSEC_PER_SEC},
                {"0.1000000000000000000000000000001s", 0, NSEC_PER_SEC / 10},
                {"", QUANTITY_E_SYNTAX, 0},
                {"s", QUANTITY_E_SYNTAX, 0},
                {"-1s", QUANTITY_E_SYNTAX, 0},
                {"+1s", QUANTITY_E_SYNTAX, 0},
                {".5s", QUANTITY_E_SYNTAX, 0},
                {"5.s", QUANTITY_E_SYNTAX, 0},
                {"nan", QUANTITY_E_SYNTAX, 0},
                {"inf", QUANTITY_E_SYNTAX, 0},
                {" 5s", QUANTITY_E_SYNTAX, 0},
                {"5 s", QUANTITY_E_UNIT, 0},
                {"5d", QUANTITY_E_UNIT, 0},
                {"5s ", QUANTITY_E_UNIT, 0},
                {"1e3", QUANTITY_E_UNIT, 0},
                {"0x10", QUANTITY_E_UNIT, 0},
                {"1,5s", QUANTITY_E_UNIT, 0},
                {"1.2.3s", QUANTITY_E_UNIT, 0},
                {"18446744074s", QUANTITY_E_RANGE, 0},
                {"99999999999999999999s", QUANTITY_E_RANGE, 0},
                {"999999999999999999h", QUANTITY_E_RANGE, 0},
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases), quantity_parse_duration);
}

static void test_sizes(void **state) {
        static const Case cases[] = {
                {"256", 0, UINT64_C(256) << 20},
                {"256M", 0, UINT64_C(256) << 20},
                {"256m", 0, UINT64_C(256) << 20},
                {"256MB", 0, UINT64_C(256) << 20},
                {"256MiB", 0, UINT64_C(256) << 20},
                {"4096B", 0, 4096},
                {"64k", 0, 65536},
                {"1.5G", 0, UINT64_C(1536) << 20},
                {"2TiB", 0, UINT64_C(2) << 40},
                {"0.5K", 0, 512},
                {"1P", QUANTITY_E_UNIT, 0},
                {"1Mi", QUANTITY_E_UNIT, 0},
                {"M", QUANTITY_E_SYNTAX, 0},
                {"-1M", QUANTITY_E_SYNTAX, 0},
                {"99999999T", QUANTITY_E_RANGE, 0},
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases), quantity_parse_size);
}

static void test_format(void **state) {
        static const struct {
                uint64_t bytes;
                const char *text;
        } cases[] = {
                {0, "0 B"},
                {1023, "1023 B"},
                {1024, "1 KiB"},
                {131072, "128 KiB"},
                {1536, "1.5 KiB"},
                {(UINT64_C(1) << 30) + 1, "1 GiB"},
                {UINT64_C(3) << 40, "3 TiB"},
                {UINT64_MAX, "16777215.9 TiB"},
        };
        char text[QUANTITY_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(quantity_format_size(cases[i].bytes, text), cases[i].text);
}

static void test_numbers(void **state) {
        static const Case cases[] = {
                {"0", 0, 0},
                {"64", 0, 64},
                {"007", 0, 7},
                {"", QUANTITY_E_SYNTAX, 0},
                {"-1", QUANTITY_E_SYNTAX, 0},
                {"1.5", QUANTITY_E_SYNTAX, 0},
                {"64K", QUANTITY_E_SYNTAX, 0},
                {"1 ", QUANTITY_E_SYNTAX, 0},
                {"99999999999999999999", QUANTITY_E_RANGE, 0},
        };

        (void)state;
        check(cases, ARRAY_SIZE(cases), quantity_parse_number);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
