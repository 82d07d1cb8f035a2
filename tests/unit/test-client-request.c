/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "client/request.h"
#include "wire/region.h"

static SprRequest *new_request(void) {
        SprRequest *request;

        assert_int_equal(spr_request_new(&request), 0);
        return request;
}

static void release(Blob *parts[static UPLOAD_PARTS]) {
        for (size_t i = 0; i < UPLOAD_PARTS; ++i)
                parts[i] = blob_unref(parts[i]);
}

static void assert_fault(const SprRequest *request, const char *text) {
        Blob *parts[UPLOAD_PARTS] = {NULL};
        Failure failure = FAILURE_NULL;
        SubmitFrame submit;
        Blob *demands;

        assert_true(request_prepare(request, &submit, parts, &demands, &failure) < 0);
        assert_int_equal(failure.stage, FAILURE_STAGE_REQUEST);
        assert_string_equal(failure.text, text);
}

static void test_defaults(void **state) {
        SprRequest *request = new_request();
        Blob *parts[UPLOAD_PARTS] = {NULL};
        Failure failure = FAILURE_NULL;
        SubmitFrame submit;
        Blob *demands;

        (void)state;
        assert_int_equal(request_prepare(request, &submit, parts, &demands, &failure), 0);
        assert_null(demands);
        assert_int_equal(submit.timeout_ns, UINT64_C(5000000000));
        assert_int_equal(submit.memory_bytes, 256 * REGION_MIB);
        assert_int_equal(submit.output_bytes, 128 * 1024);
        assert_int_equal(submit.result_bytes, REGION_RESULT_MAX);
        assert_int_equal(submit.code_size, 0);
        assert_int_equal(submit.min_level, ISOLATION_KERNEL);
        assert_int_equal(submit.disk_bytes, 128 * REGION_MIB);
        assert_int_equal(submit.file_bytes, 128 * REGION_MIB);
        assert_int_equal(submit.cpu_ns, 0);
        assert_int_equal(submit.max_processes, 64);
        assert_int_equal(submit.flags, 0);
        assert_string_equal(parts[DATA_NAME]->bytes, "<code>");
        assert_int_equal(parts[DATA_POLICY]->bytes[0], '{');
        release(parts);
        assert_null(spr_request_free(request));
        assert_null(spr_request_free(NULL));
}

/* A run keeps what it was given, whatever happens to the request. */
static void test_parts_outlive_the_request(void **state) {
        SprRequest *request = new_request();
        Blob *parts[UPLOAD_PARTS] = {NULL};
        Failure failure = FAILURE_NULL;
        SubmitFrame submit;
        Blob *demands;
        SprPolicy *policy;

        (void)state;
        assert_int_equal(spr_policy_new(&policy), 0);
        assert_int_equal(spr_policy_set_timeout_ns(policy, 250000000, NULL), 0);
        assert_int_equal(spr_request_set_policy(request, policy), 0);
        (void)spr_policy_free(policy);
        assert_int_equal(spr_request_set_code(request, "a\0b", 3), 0);
        assert_int_equal(spr_request_set_input_json(request, "[NaN]", 5), 0);
        assert_int_equal(spr_request_set_name(request, "x.py"), 0);
        assert_int_equal(request_prepare(request, &submit, parts, &demands, &failure), 0);
        assert_int_equal(spr_request_set_code(request, "other", 5), 0);
        (void)spr_request_free(request);
        assert_int_equal(submit.timeout_ns, 250000000);
        assert_int_equal(submit.code_size, 3);
        assert_int_equal(submit.input_size, 5);
        assert_int_equal(submit.name_size, 4);
        assert_memory_equal(parts[DATA_CODE]->bytes, "a\0b", 3);
        assert_string_equal(parts[DATA_INPUT]->bytes, "[NaN]");
        release(parts);
}

/* Every limit of the policy arrives, and what it demands of the environment. */
static void test_limits(void **state) {
        static const char json[] =
                "{\"allow_processes\": true, \"proc\": true, \"max_processes\": 7, \"disk_mb\": 3,"
                "\"max_file_mb\": 2, \"cpu_seconds\": 0.5, \"min_isolation\": \"none\","
                "\"env\": {\"A\": \"1\"}, \"network\": \"host\"}";
        SprRequest *request = new_request();
        Blob *parts[UPLOAD_PARTS] = {NULL}, *demands;
        Failure failure = FAILURE_NULL;
        SubmitFrame submit;
        SprPolicy *policy;

        (void)state;
        assert_int_equal(spr_policy_new_from_json(&policy, json, strlen(json), "p", true, NULL), 0);
        assert_int_equal(spr_request_set_policy(request, policy), 0);
        (void)spr_policy_free(policy);
        assert_int_equal(request_prepare(request, &submit, parts, &demands, &failure), 0);
        assert_int_equal(submit.flags, SUBMIT_FLAG_PROCESSES | SUBMIT_FLAG_PROC);
        assert_int_equal(submit.max_processes, 7);
        assert_int_equal(submit.disk_bytes, 3 * REGION_MIB);
        assert_int_equal(submit.file_bytes, 2 * REGION_MIB);
        assert_int_equal(submit.cpu_ns, 500000000);
        assert_int_equal(submit.min_level, ISOLATION_NONE);
        assert_non_null(strstr(parts[DATA_POLICY]->bytes, "\"env\":{\"A\":\"1\"}"));
        assert_non_null(demands);
        (void)blob_unref(demands);
        release(parts);
        (void)spr_request_free(request);
}

static void test_too_large(void **state) {
        SprRequest *request = new_request();
        size_t size = 50 * REGION_MIB;
        char *code = calloc(1, size), name[4098];

        (void)state;
        assert_non_null(code);
        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(spr_request_set_code(request, code, size), 0);
        assert_fault(request, "code is too large: 52428800 bytes, limit 16777216");
        assert_int_equal(spr_request_set_code(request, "", 0), 0);
        assert_int_equal(spr_request_set_name(request, name), 0);
        assert_fault(request, "name is too large: 4097 bytes, limit 4096");
        free(code);
        (void)spr_request_free(request);
}

static void test_faulty_input(void **state) {
        SprRequest *request = new_request();
        char deep[2 * REQUEST_DEPTH_MAX + 2];

        (void)state;
        memset(deep, '[', REQUEST_DEPTH_MAX + 1);
        memset(deep + REQUEST_DEPTH_MAX + 1, ']', REQUEST_DEPTH_MAX + 1);
        assert_int_equal(spr_request_set_input_json(request, deep, sizeof(deep)), 0);
        assert_fault(request, "input is nested too deeply: limit 900");
        assert_int_equal(spr_request_set_input_json(request, "{\n1}", 4), 0);
        assert_fault(request,
                     "input is not JSON: expected a key in double quotes in line 2, at byte 2");
        (void)spr_request_free(request);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_parts_outlive_the_request),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_faulty_input),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
