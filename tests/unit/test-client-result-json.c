/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json-text.h"
#include "base/layers.h"
#include "client/result.h"

#define TEXT(channel) ((channel)-DATA_RESULT)

static void
assert_json(ResultFrame frame, const char *json, const char *out, const char *expected) {
        SprResult *result;
        char *text;

        frame.result_size = strlen(json);
        frame.stdout_size = strlen(out);
        frame.flags |= json[0] ? RESULT_FLAG_HAS_RESULT : 0u;
        assert_int_equal(result_new(&result, &frame), 0);
        memcpy(result_space(result, TEXT(DATA_RESULT)), json, strlen(json));
        memcpy(result_space(result, TEXT(DATA_STDOUT)), out, strlen(out));
        memset(result_space(result, TEXT(DATA_STDOUT_TAIL)), 't', frame.stdout_tail_size);
        result->run_id = 9;
        result->queue_wait_ns = 2500000;
        result->bytes_in = 5;
        result_finish(result);
        assert_int_equal(spr_result_to_json(result, &text), 0);
        assert_string_equal(text, expected);
        assert_int_equal(json_text_check(text, strlen(text), 1000, NULL), 0);
        free(text);
        (void)spr_result_free(result);
}

static void test_plain(void **state) {
        ResultFrame frame = {
                .usage = {.wall_ns = 1234567,
                          .cpu_user_ns = 1000000,
                          .cpu_system_ns = 50000,
                          .peak_memory_bytes = 4096},
                .level = ISOLATION_KERNEL,
                .layers = LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP),
                .stdout_total = 3,
                .flags = RESULT_FLAG_STANDBY | RESULT_FLAG_PAGE_FAULTS,
                .page_faults = 12,
        };

        (void)state;
        assert_json(frame, "{\"a\": [1,\n 1e400, 123456789012345678901234567890, \"\\ud800 {\"]}",
                    "h\"\xc3\xa9\n",
                    "{\"ok\": true, "
                    "\"result\": {\"a\":[1,1e400,123456789012345678901234567890,\"\\ud800 {\"]}, "
                    "\"stdout\": \"h\\\"\xc3\xa9\\n\", \"stderr\": \"\", \"timed_out\": false, "
                    "\"resource_exceeded\": false, \"error\": null, \"exit_code\": 0, "
                    "\"outcome\": \"ok\", \"killed_by\": null, "
                    "\"usage\": {\"wall_ms\": 1.234, \"cpu_ms\": 1.050, "
                    "\"cpu_user_ms\": 1.000, \"cpu_system_ms\": 0.050, "
                    "\"queue_wait_ms\": 2.500, "
                    "\"peak_memory_bytes\": 4096, \"stdout_bytes\": 3, \"stderr_bytes\": 0, "
                    "\"bytes_in\": 5, \"bytes_out\": 65, \"standby\": true, "
                    "\"page_faults\": 12}, "
                    "\"truncated\": {\"stdout\": false, \"stderr\": false}, "
                    "\"isolation\": {\"level\": \"kernel\", "
                    "\"layers\": [\"landlock\", \"seccomp\"], "
                    "\"network\": \"none\", \"where\": \"host\"}, \"run_id\": 9}");
}

static void test_lossy_and_truncated(void **state) {
        ResultFrame frame = {
                .outcome = OUTCOME_CRASH,
                .killed_by = KILLED_BY_SIGNAL,
                .exit_code = 139,
                .flags = RESULT_FLAG_STDOUT_TRUNCATED,
                .stdout_tail_size = 2,
        };

        (void)state;
        assert_json(frame, "[NaN, -Infinity, \"NaN\"]", "\xff!",
                    "{\"ok\": false, \"result\": [null,null,\"NaN\"], "
                    "\"stdout\": \"\xef\xbf\xbd!\", \"stderr\": \"\", \"timed_out\": false, "
                    "\"resource_exceeded\": false, \"error\": null, \"exit_code\": 139, "
                    "\"outcome\": \"crash\", \"killed_by\": \"signal\", "
                    "\"usage\": {\"wall_ms\": 0.000, \"cpu_ms\": 0.000, "
                    "\"cpu_user_ms\": 0.000, \"cpu_system_ms\": 0.000, "
                    "\"queue_wait_ms\": 2.500, "
                    "\"peak_memory_bytes\": 0, \"stdout_bytes\": 0, \"stderr_bytes\": 0, "
                    "\"bytes_in\": 5, \"bytes_out\": 23, \"standby\": false, "
                    "\"page_faults\": null}, "
                    "\"truncated\": {\"stdout\": true, \"stderr\": false}, "
                    "\"stdout_tail\": \"tt\", "
                    "\"isolation\": {\"level\": \"none\", \"layers\": [], "
                    "\"network\": \"none\", \"where\": \"host\"}, \"run_id\": 9, "
                    "\"result_lossy\": true}");
}

static void test_without_result(void **state) {
        SprResult *result;
        char *text;

        (void)state;
        assert_int_equal(
                result_new_message(&result, OUTCOME_INFRA, KILLED_BY_NOBODY, 125, "a \"b\""), 0);
        assert_int_equal(spr_result_to_json(result, &text), 0);
        assert_non_null(strstr(text, "\"result\": null, "));
        assert_non_null(strstr(text, "\"error\": \"a \\\"b\\\"\", "));
        free(text);
        (void)spr_result_free(result);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),
                cmocka_unit_test(test_lossy_and_truncated),
                cmocka_unit_test(test_without_result),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
