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

#define WHERE  "result = [hash('abc'), id(object)]"
#define N_RUNS 60

static int setup(void **state) {
        host_n_forks_max = 10;
        host_n_standbys = 2;
        return host_setup(state);
}

static int setup_several(void **state) {
        host_n_zygotes_max = 2;
        host_n_standbys = 0;
        return host_setup(state);
}

static int teardown(void **state) {
        host_n_forks_max = host_n_zygotes_max = 0;
        return host_teardown(state);
}

/* Neither hash seed nor address layout stays for long, and the change costs no run. */
static void test_rotation(void **state) {
        _cleanup_(host_result_deinit) HostResult last = {.failed = false};
        unsigned int n_changes = 0;

        (void)state;
        for (uint64_t id = 1; id <= N_RUNS || n_changes < 2; ++id) {
                HostResult result;

                host_submit_with(id, host_submit_default, WHERE);
                host_result(id, &result);
                assert_false(result.failed);
                assert_int_equal(result.frame.outcome, OUTCOME_OK);
                if (last.data[DATA_RESULT])
                        n_changes += strcmp(last.data[DATA_RESULT], result.data[DATA_RESULT]) != 0;
                host_result_deinit(&last);
                last = result;
        }
}

/* Runs that come faster than one zygote forks have it get help; each has a seed of its own. */
static void test_several(void **state) {
        enum {
                IN_FLIGHT = 16
        };
        char first[64] = "";
        bool several = false;
        uint64_t id = 1;

        (void)state;
        for (; id <= IN_FLIGHT; ++id)
                host_submit_with(id, host_submit_default, "result = hash('abc')");
        for (; !several; ++id) {
                do
                        assert_true(host_receive());
                while (host_last.header.type != FRAME_DATA);
                if (!first[0])
                        (void)snprintf(first, sizeof(first), "%.60s", (char *)host_last.payload);
                several = strcmp(first, (char *)host_last.payload) != 0;
                host_submit_with(id, host_submit_default, "result = hash('abc')");
        }
}

/* A zygote that dies while its successor starts costs the runs it has and no other. */
static void test_killed(void **state) {
        (void)state;
        for (uint64_t id = 1; id <= N_RUNS; ++id) {
                HostResult result;

                if (id % 7 == 0)
                        (void)kill(host_zygote(), SIGKILL);
                host_submit_with(id, host_submit_default, "result = 1");
                host_result(id, &result);
                if (result.failed)
                        assert_non_null(strstr(result.failure.text, "zygote"));
                else
                        assert_string_equal(result.data[DATA_RESULT], "1");
                host_result_deinit(&result);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
                cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_several, setup_several, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
