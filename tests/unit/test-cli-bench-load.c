/* SPDX-License-Identifier: MIT */
#include "bench-host.h"

static void test_open_loop(void **state) {
        BenchHost *host = *state;

        bench_host_expect(host, bench_measure_open_loop,
                          (const char *[]){"p50", "p99", "min", NULL});
        assert_int_equal(host->report.figures[0].n, 15);
}

static void test_throughput(void **state) {
        BenchHost *host = *state;

        bench_host_expect(host, bench_measure_throughput,
                          (const char *[]){"1 in flight", "1: processor", "2 in flight",
                                           "2: processor", "4 in flight", "4: processor", NULL});
        assert_int_equal(host->report.figures[0].n, 20);
}

/* One in flight is no other row than one in flight. */
static void test_one_job(void **state) {
        BenchHost *host = *state;

        host->options.n_jobs = 1;
        bench_host_expect(host, bench_measure_throughput,
                          (const char *[]){"1 in flight", "1: processor", "2 in flight",
                                           "2: processor", NULL});
}

static void test_sleeps(void **state) {
        BenchHost *host = *state;

        bench_host_expect(host, bench_measure_sleeps, (const char *[]){"all done", NULL});
        assert_int_equal(host->report.figures[0].n, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_host_setup, bench_host_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_open_loop),
                TEST(test_throughput),
                TEST(test_one_job),
                TEST(test_sleeps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
