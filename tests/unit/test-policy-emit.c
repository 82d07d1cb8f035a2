/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json-text.h"
#include "policy/policy.h"

#define LIMITS                                                                                     \
        "\"max_file_mb\":128,\"max_output_kb\":128,\"max_processes\":64,\"memory_limit_mb\":256,"  \
        "\"min_isolation\":\"kernel\",\"mode\":\"restrict\",\"network\":\"none\",\"proc\":false,"  \
        "\"read_only_paths\":[],\"timeout_seconds\":5"
#define LISTS                                                                                      \
        "\"allowed_builtins\":[],\"allowed_globals\":[],\"allowed_imports\":[],"                   \
        "\"blocked_builtins\":[\"eval\",\"exec\",\"open\",\"compile\",\"breakpoint\"],"            \
        "\"blocked_globals\":[],"                                                                  \
        "\"blocked_imports\":[\"os\",\"subprocess\",\"socket\",\"ctypes\",\"importlib\"],"

static void assert_emits(int (*emit)(const Policy *, char **, size_t *),
                         const Policy *policy,
                         const char *expected) {
        char *json = NULL;
        size_t length = 0;

        assert_int_equal(emit(policy, &json, &length), 0);
        assert_string_equal(json, expected);
        assert_int_equal(length, strlen(expected));
        assert_int_equal(json_text_check(json, length, POLICY_DEPTH_MAX, NULL), 0);
        free(json);
}

static void test_default(void **state) {
        _cleanup_(policy_freep) Policy *policy = NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        assert_emits(policy_to_json, policy,
                     "{\"allow_processes\":false," LISTS "\"cpu_seconds\":0,\"disk_mb\":128,"
                     "\"env\":{},\"extra_globals\":{}," LIMITS "}");
        assert_emits(policy_to_worker_json, policy,
                     "{" LISTS "\"env\":{},\"extra_globals\":{},\"mode\":\"restrict\"}");
}

static void test_globals_are_spliced(void **state) {
        static const char text[] =
                "{ \"a\" : [ NaN , 123456789012345678901234567890,\n\"\\ud800\"] }";
        _cleanup_(policy_freep) Policy *policy = NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        policy->mode = POLICY_MODE_ALLOW;
        assert_int_equal(policy_set_extra_globals(policy, text, strlen(text), NULL), 0);
        assert_emits(policy_to_worker_json, policy,
                     "{" LISTS "\"env\":{},\"extra_globals\":{\"a\":[NaN,"
                     "123456789012345678901234567890,\"\\ud800\"]},"
                     "\"mode\":\"allow\"}");
}

static void test_numbers_are_exact(void **state) {
        static const struct {
                uint64_t timeout_ns;
                const char *seconds;
        } times[] = {
                {1, "0.000000001"},
                {250000000, "0.25"},
                {1000000000, "1"},
                {1900000000, "1.9"},
                {POLICY_TIMEOUT_MAX_NS, "86400"},
                {POLICY_TIMEOUT_MAX_NS - 1, "86399.999999999"},
        };
        _cleanup_(policy_freep) Policy *policy = NULL;
        char expected[64], *json, *found;
        size_t length;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        for (size_t i = 0; i < ARRAY_SIZE(times); ++i) {
                policy->timeout_ns = times[i].timeout_ns;
                assert_int_equal(policy_to_json(policy, &json, &length), 0);
                (void)snprintf(expected, sizeof(expected), "\"timeout_seconds\":%s}",
                               times[i].seconds);
                found = strstr(json, "\"timeout_seconds\"");
                assert_non_null(found);
                assert_string_equal(found, expected);
                free(json);
        }
        policy->memory_bytes = POLICY_MEMORY_MIN_BYTES + 1;
        assert_int_equal(policy_to_json(policy, &json, &length), 0);
        assert_non_null(strstr(json, "\"memory_limit_mb\":1.00000095367431640625,"));
        free(json);
}

/* What is written reads back as the same. */
static void test_round_trip(void **state) {
        static const char text[] =
                "{\"mode\":\"allow\",\"timeout_seconds\":0.25,\"max_output_kb\":0,"
                "\"allowed_imports\":[\"json\",\"gr\xc3\xb6\xc3\x9f"
                "e.x\"],"
                "\"allow_processes\":true,\"proc\":true,\"cpu_seconds\":1.5,\"network\":\"host\","
                "\"read_only_paths\":[\"/a\",\"/b c\"],\"env\":{\"A\":\"=\\n\\u00fc\",\"B\":\"\"},"
                "\"extra_globals\":{\"x\":{\"y\":[-Infinity]}}}";
        _cleanup_(policy_freep) Policy *policy = NULL, *again = NULL;
        char *first, *second;
        size_t length;

        (void)state;
        assert_int_equal(policy_parse_json(&policy, text, strlen(text), "t", true, NULL), 0);
        assert_int_equal(policy_to_json(policy, &first, &length), 0);
        assert_int_equal(policy_parse_json(&again, first, length, "t", false, NULL), 0);
        assert_int_equal(policy_to_json(again, &second, &length), 0);
        assert_string_equal(first, second);
        free(first);
        free(second);
}

/* From two halves: the values that only the worker's JSON has are not missed. */
static void test_halves(void **state) {
        static const char *const globals[] = {"{}", " {\"a\": [1, {\"b\" : NaN}],\"c\":2 } "};

        (void)state;
        for (size_t i = 0; i < 2; ++i) {
                _cleanup_(policy_freep) Policy *policy = NULL;
                _cleanup_(freep) char *worker = NULL, *whole = NULL, *joined = NULL;
                size_t n_worker, n_whole, n_joined;
                Policy rest;

                assert_int_equal(policy_new(&policy), 0);
                assert_int_equal(policy_set_env(policy, "A", "b", NULL), 0);
                assert_int_equal(policy_set_timeout_ns(policy, 1, NULL), 0);
                assert_int_equal(policy_add_read_only_path(policy, "/srv", NULL), 0);
                assert_int_equal(
                        policy_set_extra_globals(policy, globals[i], strlen(globals[i]), NULL), 0);
                assert_int_equal(policy_to_worker_json(policy, &worker, &n_worker), 0);
                assert_int_equal(policy_to_json(policy, &whole, &n_whole), 0);
                rest = (Policy){
                        .timeout_ns = policy->timeout_ns,
                        .memory_bytes = policy->memory_bytes,
                        .output_bytes = policy->output_bytes,
                        .file_bytes = policy->file_bytes,
                        .disk_bytes = policy->disk_bytes,
                        .n_processes = policy->n_processes,
                        .min_isolation = policy->min_isolation,
                        .read_only_paths = policy->read_only_paths,
                };
                assert_int_equal(policy_to_json_from(&rest, worker, n_worker, &joined, &n_joined),
                                 0);
                assert_string_equal(joined, whole);
                assert_int_equal(n_joined, n_whole);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_default),
                cmocka_unit_test(test_globals_are_spliced),
                cmocka_unit_test(test_numbers_are_exact),
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_halves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
