/* SPDX-License-Identifier: MIT */
#include "policy-text.h"

#include "policy/presets.h"

static void test_all(void **state) {
        _cleanup_(policy_freep) Policy *plain = NULL;

        (void)state;
        assert_int_equal(policy_new(&plain), 0);
        for (size_t i = 0; i < PRESETS; ++i) {
                _cleanup_(policy_freep) Policy *policy = NULL, *copy = NULL;
                Failure failure = FAILURE_NULL;

                if (policy_new_preset(&policy, presets[i].name, &failure))
                        fail_msg("%s", failure.text);
                assert_ptr_equal(preset_find(presets[i].name, strlen(presets[i].name)),
                                 &presets[i]);
                assert_true(strlen(presets[i].summary) > 10);
                assert_int_equal(policy->network, POLICY_NETWORK_NONE);
                assert_int_equal(policy->min_isolation, ISOLATION_KERNEL);
                if (strcmp(presets[i].name, "default") == 0)
                        expect_same(policy, plain);
                assert_int_equal(policy_dup(&copy, policy), 0);
                expect_same(policy, copy);
        }
        assert_null(preset_find("dat", 3));
        assert_null(preset_find("datas", 5));
}

static void test_extends(void **state) {
        _cleanup_(policy_freep) Policy *policy =
                policy_of("timeout_seconds = 7\nextends = 'data'\nblocked_builtins = []\n");
        _cleanup_(policy_freep) Policy *nested =
                policy_of("[policy]\nextends = 'data'\ntimeout_seconds = 7\n"
                          "blocked_builtins = []\n");

        (void)state;
        assert_int_equal(policy->timeout_ns, 7000000000);
        assert_int_equal(policy->memory_bytes, UINT64_C(2048) << 20);
        assert_int_equal(policy->blocked_imports.n_items, 4); /* the preset's, not none */
        assert_int_equal(policy->blocked_builtins.n_items, 0);
        expect_origin(policy, "timeout_seconds", "p.toml:1");
        expect_origin(policy, "memory_limit_mb", "preset data");
        expect_origin(policy, "blocked_imports", "preset data");
        expect_origin(policy, "mode", "default");
        expect_same(policy, nested);
}

static void test_refused(void **state) {
        (void)state;
        expect_refused("extends = 'dat'",
                       "p.toml:1: 'extends': no preset 'dat': did you mean 'data'? there are "
                       "'strict', 'default', 'data', 'judge', 'open'");
        expect_refused("extends = 'zzzzzzzzzzz'",
                       "p.toml:1: 'extends': no preset 'zzzzzzzzzzz': there are 'strict', "
                       "'default', 'data', 'judge', 'open'");
        expect_refused("\nextends = 1",
                       "p.toml:2: 'extends' must be the name of a preset, not an integer");
        expect_refused("extends = 'data'\n[policy]\nmode = 'allow'\n",
                       "p.toml:1: 'extends' stands outside of the table 'policy' of line 2: put "
                       "all keys in one of the two places");
}

static void test_no_preset(void **state) {
        Failure failure = FAILURE_NULL;
        Policy *policy = NULL;

        (void)state;
        assert_true(policy_new_preset(&policy, "strickt", &failure) < 0);
        assert_string_equal(failure.text,
                            "no preset 'strickt': did you mean 'strict'? there are 'strict', "
                            "'default', 'data', 'judge', 'open'");
        assert_null(policy);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all),
                cmocka_unit_test(test_extends),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_no_preset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
