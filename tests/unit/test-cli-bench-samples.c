/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/bench-samples.h"

static void test_percentiles(void **state) {
        static const struct {
                size_t first, n;
                unsigned int percent;
                uint64_t value;
        } cases[] = {
                {0, 100, 50, 50},  {0, 100, 99, 99}, {0, 100, 100, 100}, {0, 100, 0, 1},
                {90, 10, 50, 95},  {0, 1, 50, 1},    {0, 1, 99, 1},      {200, 10, 50, 0},
                {95, 1000, 1, 96}, {0, 0, 50, 0},    {0, 3, 50, 2},
        };
        Samples samples = {0};

        (void)state;
        assert_int_equal(samples_init(&samples, 100), 0);
        for (uint64_t i = 0; i < 110; i++) /* the last ten have no room */
                samples_add(&samples, i + 1);
        assert_int_equal(samples.n, 100);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(
                        samples_percentile(&samples, cases[i].first, cases[i].n, cases[i].percent),
                        cases[i].value);
        samples_deinit(&samples);
}

static void test_order_does_not_matter(void **state) {
        Samples samples = {0};

        (void)state;
        assert_int_equal(samples_init(&samples, 3), 0);
        samples_add(&samples, 30);
        samples_add(&samples, 10);
        samples_add(&samples, 20);
        assert_int_equal(samples_percentile(&samples, 0, 3, 50), 20);
        samples_deinit(&samples);
        samples_deinit(&samples);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_percentiles),
                cmocka_unit_test(test_order_does_not_matter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
