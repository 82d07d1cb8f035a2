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
#include "agent/mold.h"

#define MARK "import os\nresult = os.path.exists('/tmp/mark')\nopen('/tmp/mark', 'w').close()"

/* Runs @code under the default mold and returns its result as text. */
static void run_alike(uint64_t id, const char *code, const char *expected) {
        _cleanup_(host_result_deinit) HostResult result;

        host_submit_with(id, host_submit_default, code);
        host_result(id, &result);
        if (result.failed)
                fail_msg("run %d: %s", (int)id, result.failure.text);
        assert_int_equal(result.frame.outcome, OUTCOME_OK);
        if (expected)
                assert_string_equal(result.data[DATA_RESULT], expected);
}

static int setup(void **state) {
        host_n_standbys = 2;
        return host_setup(state);
}

/* Runs alike are served by standbys, and none serves twice. */
static void test_standbys(void **state) {
        (void)state;
        run_alike(1, MARK, "false");
        host_wait_workers(2);
        for (uint64_t id = 2; id < 20; ++id)
                run_alike(id, MARK, "false");
        host_wait_workers(2);
        run_alike(20, MARK, "false");
        host_wait_workers(2);
}

/* Each kind of run has standbys of its own. */
static void test_other_mold(void **state) {
        SubmitFrame other = host_submit_default;

        (void)state;
        run_alike(1, "pass", NULL);
        host_wait_workers(2);
        other.disk_bytes = 1 << 20;
        host_submit_with(2, other, "import time\ntime.sleep(1000)");
        host_wait_workers(5); /* and its worker */
        run_alike(3, "result = 1", "1");
        host_wait_workers(5);
}

/* A standby that is killed serves nobody, and nobody notices. */
static void test_killed_standby(void **state) {
        (void)state;
        run_alike(1, "pass", NULL);
        run_alike(2, "pass", NULL);
        host_wait_workers(2);
        for (uint64_t id = 3; id < 10; ++id) {
                pid_t standby = host_await_child_of(host_zygote());

                if (kill(standby, SIGKILL) < 0) /* it was a worker on its way out */
                        assert_int_equal(errno, ESRCH);
                while (kill(standby, 0) == 0)
                        ; /* until it is reaped */
                run_alike(id, "result = 1", "1");
                host_wait_workers(2);
        }
}

/* Each limit makes a mold of its own. */
static void test_mold(void **state) {
        const SubmitFrame base = {.memory_bytes = 1, .disk_bytes = 1, .file_bytes = 1};
        SubmitFrame others[7];
        Mold mold = mold_of(&base), other;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(others); ++i)
                others[i] = base;
        others[0].memory_bytes = 2;
        others[1].disk_bytes = 2;
        others[2].file_bytes = 2;
        others[3].cpu_ns = 2;
        others[4].max_processes = 2;
        others[5].flags = SUBMIT_FLAG_PROCESSES;
        others[6].flags = SUBMIT_FLAG_PROC;
        for (size_t i = 0; i < ARRAY_SIZE(others); ++i) {
                other = mold_of(&others[i]);
                assert_false(mold_equal(&mold, &other));
                assert_true(mold_equal(&other, &other));
        }
        others[0] = base;
        others[0].timeout_ns = 5;
        other = mold_of(&others[0]);
        assert_true(mold_equal(&mold, &other));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_standbys, setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_other_mold, setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_killed_standby, setup, host_teardown),
                cmocka_unit_test(test_mold),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
