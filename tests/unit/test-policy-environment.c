/* SPDX-License-Identifier: MIT */
#include "policy-text.h"

#include "policy/environment.h"

static void test_values(void **state) {
        static const char *const environment[] = {
                "PATH=/bin",
                "SPR_TIMEOUT_SECONDS=2.5",
                "SPR_MEMORY_LIMIT_MB=64",
                "SPR_ALLOW_PROCESSES=true",
                "SPR_MODE=allow",
                "SPR_BLOCKED_IMPORTS=",
                "SPR_ALLOWED_IMPORTS=os.path,json",
                "SPR_READ_ONLY_PATHS=/srv:/usr/share/x",
                "SPR_ENV={\"A\": \"b\"}",
                "SPR_EXTRA_GLOBALS={\"rate\": 0.5}",
                "SPR_NETWORK=",
                "SPR_SOMETHING=else",
                NULL,
        };
        _cleanup_(policy_freep) Policy *policy = NULL;
        _cleanup_(policy_freep) Policy *file =
                policy_of("timeout_seconds = 2.5\nmemory_limit_mb = 64\nallow_processes = true\n"
                          "mode = 'allow'\nallowed_imports = ['os.path', 'json']\n"
                          "blocked_builtins = ['eval', 'exec', 'open', 'compile', 'breakpoint']\n"
                          "read_only_paths = ['/srv', '/usr/share/x']\nenv = {A = 'b'}\n"
                          "extra_globals = {rate = 0.5}\n");
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        if (policy_apply_environment(policy, environment, &failure))
                fail_msg("%s", failure.text);
        expect_same(policy, file);
        expect_origin(policy, "mode", "env SPR_MODE");
        expect_origin(policy, "network", "default");
}

static void test_refused(void **state) {
        static const struct {
                const char *variable, *words;
        } cases[] = {
                {"SPR_TIMEOUT_SECONDS=fast",
                 "SPR_TIMEOUT_SECONDS: 'timeout_seconds' must be a number, not a string"},
                {"SPR_TIMEOUT_SECONDS=-1",
                 "SPR_TIMEOUT_SECONDS: 'timeout_seconds' must be more than 0 and at most 86400, "
                 "not -1"},
                {"SPR_MODE=allwo", "SPR_MODE: 'mode' cannot be 'allwo': did you mean 'allow'?"},
                {"SPR_PROC=yes", "SPR_PROC: 'proc' must be true or false, not a string"},
                {"SPR_BLOCKED_IMPORTS=os,,x",
                 "SPR_BLOCKED_IMPORTS: 'blocked_imports' holds '', which is empty"},
                {"SPR_READ_ONLY_PATHS=srv",
                 "SPR_READ_ONLY_PATHS: 'read_only_paths' holds 'srv', which is not absolute"},
                {"SPR_ENV=A=b", "SPR_ENV: 'env' must be a table, not a string"},
                {"SPR_MODE=\xff", "SPR_MODE: not UTF-8"},
        };
        _cleanup_(policy_freep) Policy *policy = NULL, *plain = NULL;

        (void)state;
        assert_int_equal(policy_new(&policy), 0);
        assert_int_equal(policy_new(&plain), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                const char *const environment[] = {"SPR_DISK_MB=7", cases[i].variable, NULL};
                Failure failure = FAILURE_NULL;

                assert_true(policy_apply_environment(policy, environment, &failure) < 0);
                assert_string_equal(failure.text, cases[i].words);
                expect_same(policy, plain);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
