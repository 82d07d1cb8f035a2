/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/bench-arrivals.h"

#define N 10000

/* The mean is that of the rate, and the square of a time is twice the square of the mean. */
static void test_distribution(void **state) {
        Arrivals arrivals = ARRIVALS_INIT(300);
        double sum = 0, squares = 0, mean = (double)NSEC_PER_SEC / 300;

        (void)state;
        for (size_t i = 0; i < N; i++) {
                double ns = (double)arrivals_next_ns(&arrivals);

                sum += ns / N;
                squares += ns * ns / N;
        }
        assert_true(sum > 0.95 * mean && sum < 1.05 * mean);
        assert_true(squares > 1.8 * mean * mean && squares < 2.2 * mean * mean);
}

static void test_same_each_time(void **state) {
        Arrivals first = ARRIVALS_INIT(300), second = ARRIVALS_INIT(300);

        (void)state;
        for (size_t i = 0; i < 100; i++)
                assert_int_equal(arrivals_next_ns(&first), arrivals_next_ns(&second));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_distribution),
                cmocka_unit_test(test_same_each_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
