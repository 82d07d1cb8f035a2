/* SPDX-License-Identifier: MIT */
#include "bench-host.h"

static void test_hit(void **state) {
        bench_host_expect(*state, bench_measure_hit, (const char *[]){"p50", "p99", "min", NULL});
}

/* Their engines are their own, with the installed agent; it is not there, or runs the job. */
static void test_own_engines(void **state) {
        static const BenchMeasureFn measures[] = {bench_measure_cold, bench_measure_miss};
        BenchHost *host = *state;
        SprEngine *engine = host->session.engine;

        for (size_t i = 0; i < ARRAY_SIZE(measures); i++) {
                host->report.n_figures = 0;
                if (measures[i](&host->session, &host->report, &host->fault) == 0)
                        assert_int_equal(host->report.n_figures, 3);
                else
                        assert_non_null(strstr(host->fault.text, "spr-agent"));
                assert_ptr_equal(host->session.engine, engine);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_host_setup, bench_host_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {TEST(test_hit), TEST(test_own_engines)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
