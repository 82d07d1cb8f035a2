/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "spr/spr.h"

static void test_presets(void **state) {
        const char *name;
        size_t n = 0;

        (void)state;
        while ((name = spr_policy_get_preset_name(n))) {
                SprPolicy *policy = NULL;

                assert_non_null(spr_policy_get_preset_summary(n));
                assert_int_equal(spr_policy_new_from_preset(&policy, name, NULL), 0);
                (void)spr_policy_free(policy);
                ++n;
        }
        assert_int_equal(n, 5);
        assert_null(spr_policy_get_preset_summary(n));
}

/* Preset, file, environment, setter: each on top of the ones before. */
static void test_layers(void **state) {
        static const char *const environment[] = {"SPR_DISK_MB=3", "SPR_TIMEOUT_SECONDS=3", NULL};
        const char *file = scratch_write("p.toml", "timeout_seconds = 2\nmax_output_kb = 2\n");
        const char *bad = scratch_write("bad.toml", "extends = 'open'\n");
        SprPolicy *policy = NULL;
        SprError error = {0};
        char *text, *json;

        (void)state;
        assert_int_equal(spr_policy_new_from_preset(&policy, "data", &error), 0);
        assert_int_equal(spr_policy_apply_file(policy, file, &error), 0);
        assert_int_equal(spr_policy_apply_environment(policy, environment, &error), 0);
        assert_int_equal(spr_policy_set_timeout_ns(policy, 4000000000, &error), 0);
        spr_policy_set_proc(policy, true);
        assert_int_equal(spr_policy_apply_file(policy, bad, &error), SPR_E_POLICY);
        assert_non_null(strstr(error.message, "begins from preset 'open' by itself"));
        assert_int_equal(spr_policy_show(policy, true, &text), 0);
        assert_non_null(strstr(text, "timeout_seconds = 4                       # flag\n"));
        assert_non_null(strstr(text, "proc = true                               # flag\n"));
        assert_non_null(
                strstr(text, "disk_mb = 3                               # env SPR_DISK_MB"));
        assert_non_null(strstr(text, "/p.toml:2\n"));
        assert_non_null(strstr(text, "memory_limit_mb = 2048                    # preset data\n"));
        free(text);
        assert_int_equal(spr_policy_show_json(policy, &json), 0);
        free(json);
        assert_int_equal(spr_policy_explain(policy, "proc", &text), 0);
        free(text);
        assert_int_equal(spr_policy_json_schema(&json), 0);
        free(json);
        (void)spr_policy_free(policy);
}

static void test_refused(void **state) {
        static const char *const environment[] = {"SPR_PROC=maybe", NULL};
        SprPolicy *policy = NULL;
        SprError error = {0};

        (void)state;
        assert_int_equal(spr_policy_new_from_preset(&policy, "no", &error), SPR_E_POLICY);
        assert_null(policy);
        assert_int_equal(spr_policy_new(&policy), 0);
        assert_int_equal(spr_policy_apply_file(policy, "/nowhere", &error), SPR_E_POLICY);
        assert_int_equal(spr_policy_apply_environment(policy, environment, &error), SPR_E_POLICY);
        (void)spr_policy_free(policy);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_presets),
                cmocka_unit_test(test_layers),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
