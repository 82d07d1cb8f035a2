/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent-host.h"
#include "agent/pool.h"

static int setup_adaptive(void **state) {
        host_n_standbys = ENV_STANDBYS_ADAPTIVE;
        return host_setup(state);
}

static int setup_none(void **state) {
        host_n_standbys = 0;
        return host_setup(state);
}

static int setup_many(void **state) {
        host_n_standbys = 40;
        return host_setup(state);
}

static void expect_ok(uint64_t id) {
        _cleanup_(host_result_deinit) HostResult result;

        host_result(id, &result);
        if (result.failed)
                fail_msg("run %d: %s", (int)id, result.failure.text);
        assert_int_equal(result.frame.outcome, OUTCOME_OK);
}

static void run_with(uint64_t id, SubmitFrame submit) {
        host_submit_with(id, submit, "pass");
        expect_ok(id);
}

/* The first kind of run is warm after one run, another one after two. */
static void test_first_runs(void **state) {
        SubmitFrame other = host_submit_default;

        (void)state;
        run_with(1, host_submit_default);
        host_wait_workers(POOL_STANDBYS_MIN);
        other.disk_bytes = 1 << 20;
        run_with(2, other);
        host_wait_workers(POOL_STANDBYS_MIN);
        run_with(3, other);
        host_wait_workers(2 * POOL_STANDBYS_MIN);
}

/* Runs that find no standby make for more of them. */
static void test_burst(void **state) {
        const uint64_t n = 40;

        (void)state;
        for (uint64_t id = 1; id <= n; ++id)
                host_submit_with(id, host_submit_default, "pass");
        for (uint64_t id = 1; id <= n; ++id)
                host_skip_result();
        host_wait_workers(POOL_STANDBYS_MAX);
}

static void test_as_demanded(void **state) {
        (void)state;
        run_with(1, host_submit_default);
        host_wait_workers(40);
        for (uint64_t id = 2; id < 60; ++id)
                run_with(id, host_submit_default);
        host_wait_workers(40);
}

static void test_none(void **state) {
        (void)state;
        for (uint64_t id = 1; id < 5; ++id)
                run_with(id, host_submit_default);
        host_wait_workers(0);
}

/* More kinds of runs than pools: the ones that were not used for long make place. */
static void test_many_molds(void **state) {
        SubmitFrame submit = host_submit_default;

        (void)state;
        for (uint64_t id = 1; id <= 4 * POOLS_MAX; id += 2) {
                submit.disk_bytes += 4096;
                run_with(id, submit);
                run_with(id + 1, submit);
        }
        host_wait_workers(POOLS_MAX * POOL_STANDBYS_MIN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_first_runs, setup_adaptive, host_teardown),
                cmocka_unit_test_setup_teardown(test_burst, setup_adaptive, host_teardown),
                cmocka_unit_test_setup_teardown(test_as_demanded, setup_many, host_teardown),
                cmocka_unit_test_setup_teardown(test_none, setup_none, host_teardown),
                cmocka_unit_test_setup_teardown(test_many_molds, setup_adaptive, host_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
