/* SPDX-License-Identifier: MIT */
#include "bench-host.h"

static void test_hit(void **state) {
        bench_host_expect(*state, bench_measure_hit, (const char *[]){"p50", "p99", "min", NULL});
}

static void test_miss(void **state) {
        bench_host_expect(*state, bench_measure_miss, (const char *[]){"p50", "p99", "min", NULL});
}

/* Its engines are its own, with the installed agent; it is not there, or runs the job. */
static void test_cold(void **state) {
        BenchHost *host = *state;

        if (bench_measure_cold(&host->session, &host->report, &host->fault) == 0)
                assert_int_equal(host->report.n_figures, 3);
        else
                assert_non_null(strstr(host->fault.text, "spr-agent"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_host_setup, bench_host_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {TEST(test_hit), TEST(test_miss), TEST(test_cold)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
