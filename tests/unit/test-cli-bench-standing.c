/* SPDX-License-Identifier: MIT */
#include "bench-host.h"

/* The fake agent is a thread: there is no process to look at. */
static void test_memory(void **state) {
        BenchHost *host = *state;

        bench_host_expect(host, bench_measure_memory,
                          (const char *[]){"standbys", "private, each", NULL});
        assert_string_equal(host->report.figures[1].lack, "there is no standby");
}

static void test_soak(void **state) {
        BenchHost *host = *state;

        bench_host_expect(host, bench_measure_soak,
                          (const char *[]){"p50, first tenth", "p50, last tenth", "agent grew by",
                                           "agent's descriptors", "host grew by", NULL});
        assert_int_equal(host->report.figures[0].n, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_host_setup, bench_host_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {TEST(test_memory), TEST(test_soak)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
