/* SPDX-License-Identifier: MIT */
#include "bench-host.h"

#include "base/clock.h"
#include "cli/status.h"

static void test_time(void **state) {
        BenchHost *host = *state;
        uint64_t ns = 0;

        for (size_t i = 0; i < 20; i++)
                assert_int_equal(
                        bench_session_time(&host->session, host->session.job, &ns, &host->fault),
                        0);
        assert_true(ns > 0);
        assert_string_equal(host->session.level, "none");
        assert_string_equal(host->session.python, "/usr/bin/python3");
}

static void test_nothing_comes(void **state) {
        BenchHost *host = *state;
        bool popped = true;

        assert_int_equal(bench_session_pop(&host->session, clock_now_ns() + NSEC_PER_MSEC, &popped,
                                           NULL, &host->fault),
                         0);
        assert_false(popped);
}

static void test_warm_is_once(void **state) {
        BenchHost *host = *state;
        SprEngine *engine = host->session.engine;

        assert_int_equal(bench_session_warm(&host->session, &host->fault), 0);
        assert_ptr_equal(host->session.engine, engine);
}

static void test_rest(void **state) {
        BenchHost *host = *state;
        static const uint64_t gaps[] = {0, 1000, 2 * NSEC_PER_MSEC};

        for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
                uint64_t begin_ns = clock_now_ns();

                host->session.gap_ns = gaps[i];
                bench_session_rest(&host->session);
                assert_true(clock_now_ns() - begin_ns >= gaps[i]);
        }
}

static void test_bad_options(void **state) {
        BenchHost *host = *state;
        static const struct {
                BenchOptions options;
                int status;
        } cases[] = {
                {{.python = "/nowhere/python3"}, STATUS_INTERPRETER},
                {{.python = "/x", .venv = "/y"}, STATUS_USAGE},
                {{.policy = "/nowhere/policy.toml"}, STATUS_USAGE},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(bench_session_deinitp) BenchSession session = BENCH_SESSION_NULL;

                assert_int_equal(bench_session_init(&session, &host->context, &cases[i].options,
                                                    &host->fault),
                                 cases[i].status);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_host_setup, bench_host_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_time), TEST(test_nothing_comes), TEST(test_warm_is_once),
                TEST(test_rest), TEST(test_bad_options),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
