/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "spr/spr.h"

static void test_numbers(void **state) {
        SprPolicy *policy;
        SprError error;

        (void)state;
        assert_int_equal(spr_policy_new(&policy), 0);
        assert_int_equal(spr_policy_set_timeout_ns(policy, 1, &error), 0);
        assert_int_equal(spr_policy_get_timeout_ns(policy), 1);
        assert_int_equal(spr_policy_set_timeout_ns(policy, 0, &error), SPR_E_POLICY);
        assert_true(strlen(error.message) > 0);
        assert_int_equal(spr_policy_set_memory_bytes(policy, 1048576, NULL), 0);
        assert_int_equal(spr_policy_get_memory_bytes(policy), 1048576);
        assert_int_equal(spr_policy_set_memory_bytes(policy, 1, NULL), SPR_E_POLICY);
        assert_int_equal(spr_policy_get_memory_bytes(policy), 1048576);
        assert_null(spr_policy_free(policy));
        assert_null(spr_policy_free(NULL));
}

static void test_limits(void **state) {
        SprPolicy *policy;
        SprError error;
        char *json;

        (void)state;
        assert_int_equal(spr_policy_new(&policy), 0);
        assert_int_equal(spr_policy_set_disk_bytes(policy, 2 << 20, &error), 0);
        assert_int_equal(spr_policy_set_disk_bytes(policy, 1, &error), SPR_E_POLICY);
        assert_string_equal(error.message, "'disk_mb' must be at least 1");
        assert_int_equal(spr_policy_set_file_bytes(policy, 3 << 20, &error), 0);
        assert_int_equal(spr_policy_set_file_bytes(policy, 0, &error), SPR_E_POLICY);
        assert_int_equal(spr_policy_set_cpu_ns(policy, 500000000, &error), 0);
        assert_int_equal(spr_policy_set_cpu_ns(policy, UINT64_MAX, &error), SPR_E_POLICY);
        assert_int_equal(spr_policy_set_max_processes(policy, 4, &error), 0);
        assert_int_equal(spr_policy_set_max_processes(policy, 0, &error), SPR_E_POLICY);
        spr_policy_set_allow_processes(policy, true);
        spr_policy_set_proc(policy, true);
        spr_policy_set_host_network(policy, true);
        assert_int_equal(spr_policy_set_env(policy, "A", "b", &error), 0);
        assert_int_equal(spr_policy_set_env(policy, "", "b", &error), SPR_E_POLICY);
        assert_int_equal(spr_policy_add_read_only_path(policy, "/srv/", &error), 0);
        assert_int_equal(spr_policy_add_read_only_path(policy, "srv", &error), SPR_E_POLICY);
        assert_int_equal(spr_policy_to_json(policy, &json), 0);
        assert_non_null(strstr(json, "\"allow_processes\":true,"));
        assert_non_null(strstr(json, "\"cpu_seconds\":0.5,\"disk_mb\":2,\"env\":{\"A\":\"b\"},"));
        assert_non_null(strstr(json, "\"max_file_mb\":3,"));
        assert_non_null(strstr(json, "\"max_processes\":4,"));
        assert_non_null(strstr(json, "\"network\":\"host\",\"proc\":true,"));
        assert_non_null(strstr(json, "\"read_only_paths\":[\"/srv\"],"));
        free(json);
        (void)spr_policy_free(policy);
}

static void test_extra_globals(void **state) {
        SprPolicy *policy;
        SprError error;
        char *json;

        (void)state;
        assert_int_equal(spr_policy_new(&policy), 0);
        assert_int_equal(spr_policy_set_extra_globals_json(policy, "[1]", 3, &error), SPR_E_POLICY);
        assert_int_equal(spr_policy_set_extra_globals_json(policy, "{\"x\":NaN}", 9, &error), 0);
        assert_int_equal(spr_policy_to_json(policy, &json), 0);
        assert_non_null(strstr(json, "NaN"));
        free(json);
        (void)spr_policy_free(policy);
}

static void test_text(void **state) {
        static const char good[] = "{\"timeout_seconds\": 0.25}";
        static const char bad[] = "{\"timeout_second\": 1}";
        SprPolicy *policy;
        SprError error;

        (void)state;
        assert_int_equal(
                spr_policy_new_from_json(&policy, good, strlen(good), "x.json", true, &error), 0);
        assert_int_equal(spr_policy_get_timeout_ns(policy), 250000000);
        (void)spr_policy_free(policy);
        assert_int_equal(
                spr_policy_new_from_json(&policy, bad, strlen(bad), "x.json", true, &error),
                SPR_E_POLICY);
        assert_non_null(strstr(error.message, "timeout_seconds"));
        assert_int_equal(spr_policy_new_from_file(&policy, "/nonexistent.toml", &error),
                         SPR_E_POLICY);
        assert_non_null(strstr(error.message, "/nonexistent.toml"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_extra_globals),
                cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
