/* SPDX-License-Identifier: MIT */
#include "policy-text.h"

#include "policy/environment.h"

static void test_kinds(void **state) {
        static const char *const environment[] = {"SPR_NETWORK=host", NULL};
        _cleanup_(policy_freep) Policy *policy = policy_of("extends = 'judge'\nproc = true\n");
        _cleanup_(policy_freep) Policy *copy = NULL;

        (void)state;
        assert_int_equal(policy_set_timeout_ns(policy, 1, NULL), 0);
        assert_int_equal(policy_set_env(policy, "A", "b", NULL), 0);
        assert_int_equal(policy_add_read_only_path(policy, "/srv", NULL), 0);
        assert_int_equal(policy_set_extra_globals(policy, "{\"a\": 1}", 8, NULL), 0);
        assert_int_equal(policy_apply_environment(policy, environment, NULL), 0);
        assert_int_equal(policy_dup(&copy, policy), 0);
        expect_origin(copy, "mode", "default");
        expect_origin(copy, "cpu_seconds", "preset judge");
        expect_origin(copy, "proc", "p.toml:2");
        expect_origin(copy, "network", "env SPR_NETWORK");
        expect_origin(copy, "timeout_seconds", "flag");
        expect_origin(copy, "env", "flag");
        expect_origin(copy, "read_only_paths", "flag");
        expect_origin(copy, "extra_globals", "flag");
}

/* A list that a file does not name is empty for that reason. */
static void test_missing_list(void **state) {
        _cleanup_(policy_freep) Policy *policy = policy_of("");

        (void)state;
        expect_origin(policy, "blocked_imports", "p.toml, which does not name it");
        expect_origin(policy, "allowed_imports", "default");
        expect_origin(policy, "timeout_seconds", "default");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_missing_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
