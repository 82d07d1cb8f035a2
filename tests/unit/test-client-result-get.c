/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/layers.h"
#include "client/result.h"

static void test_every_field(void **state) {
        ResultFrame frame = {
                .outcome = OUTCOME_TIMEOUT,
                .killed_by = KILLED_BY_TIMEOUT,
                .exit_code = 124,
                .flags = RESULT_FLAG_STDERR_TRUNCATED | RESULT_FLAG_RESOURCE_EXCEEDED |
                         RESULT_FLAG_HOST_NETWORK,
                .level = ISOLATION_KERNEL,
                .layers = LAYER_BIT(LAYER_PID_NAMESPACE) | LAYER_BIT(LAYER_SECCOMP),
                .usage = {.wall_ns = 1,
                          .cpu_user_ns = 2,
                          .cpu_system_ns = 3,
                          .peak_memory_bytes = 4},
                .stdout_total = 5,
                .stderr_total = 6,
                .stdout_size = 2,
        };
        SprResult *result;
        size_t length;

        (void)state;
        assert_int_equal(result_new(&result, &frame), 0);
        memcpy(result_space(result, DATA_STDOUT - DATA_RESULT), "ab", 2);
        result->run_id = 7;
        result->queue_wait_ns = 8;
        result->userdata = &frame;
        result_finish(result);
        assert_int_equal(spr_result_get_run_id(result), 7);
        assert_ptr_equal(spr_result_get_userdata(result), &frame);
        assert_false(spr_result_get_ok(result));
        assert_int_equal(spr_result_get_outcome(result), SPR_OUTCOME_TIMEOUT);
        assert_string_equal(spr_result_get_outcome_name(result), "timeout");
        assert_true(spr_result_get_timed_out(result));
        assert_true(spr_result_get_resource_exceeded(result));
        assert_int_equal(spr_result_get_exit_code(result), 124);
        assert_null(spr_result_get_error(result));
        assert_string_equal(spr_result_get_killed_by(result), "timeout");
        assert_null(spr_result_get_json(result, &length));
        assert_int_equal(length, 0);
        assert_string_equal(spr_result_get_stdout(result, &length), "ab");
        assert_int_equal(length, 2);
        assert_string_equal(spr_result_get_stderr(result, NULL), "");
        assert_string_equal(spr_result_get_stdout_tail(result, NULL), "");
        assert_string_equal(spr_result_get_stderr_tail(result, NULL), "");
        assert_false(spr_result_get_stdout_truncated(result));
        assert_true(spr_result_get_stderr_truncated(result));
        assert_int_equal(spr_result_get_stdout_total(result), 5);
        assert_int_equal(spr_result_get_stderr_total(result), 6);
        assert_int_equal(spr_result_get_wall_ns(result), 1);
        assert_int_equal(spr_result_get_queue_wait_ns(result), 8);
        assert_int_equal(spr_result_get_cpu_user_ns(result), 2);
        assert_int_equal(spr_result_get_cpu_system_ns(result), 3);
        assert_int_equal(spr_result_get_peak_memory_bytes(result), 4);
        assert_string_equal(spr_result_get_isolation_level(result), "kernel");
        assert_string_equal(spr_result_get_network(result), "host");
        assert_string_equal(spr_result_get_where(result), "host");
        assert_string_equal(spr_result_get_layer(result, 0), "pid_namespace");
        assert_string_equal(spr_result_get_layer(result, 1), "seccomp");
        assert_null(spr_result_get_layer(result, 2));
        assert_null(spr_result_get_layer(result, SIZE_MAX));
        (void)spr_result_free(result);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_field),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
