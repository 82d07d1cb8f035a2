/* SPDX-License-Identifier: MIT */
#include "policy-text.h"

#include "policy/show.h"

static void expect_explained(const Policy *policy, const char *name, const char *words) {
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(policy_explain(policy, name, &text), 0);
        assert_string_equal(text, words);
}

static void test_keys(void **state) {
        _cleanup_(policy_freep) Policy *policy = policy_of("extends = 'data'\ncpu_seconds = 1.5\n");

        (void)state;
        expect_explained(policy, "memory_limit_mb",
                         "memory_limit_mb: MiB the code may use beyond the warm interpreter\n"
                         "value:   a whole number, from 1 to 1048576 MiB\n"
                         "default: 256 MiB\n"
                         "here:    2048 (preset data)\n");
        expect_explained(policy, "timeout_seconds",
                         "timeout_seconds: how long a run may take\n"
                         "value:   a number, more than 0, at most 86400 seconds\n"
                         "default: 5 seconds\n"
                         "here:    60 (preset data)\n");
        expect_explained(policy, "cpu_seconds",
                         "cpu_seconds: how much processor time a run may use, on all cores; 0: no "
                         "limit\n"
                         "value:   a number, from 0 to 86400 seconds\n"
                         "default: 0 seconds\n"
                         "here:    1.5 (p.toml:2)\n");
        expect_explained(policy, "mode",
                         "mode: whether the blocked or the allowed lists count\n"
                         "value:   one of restrict, allow\n"
                         "default: restrict\n"
                         "here:    \"restrict\" (default)\n");
        for (size_t i = 0; i < SCHEMA_KEYS; ++i) {
                _cleanup_(freep) char *text = NULL;

                assert_int_equal(policy_explain(policy, schema_keys[i].name, &text), 0);
                assert_non_null(strstr(text, "\nvalue:   "));
                assert_non_null(strstr(text, "\ndefault: "));
                assert_non_null(strstr(text, "\nhere:    "));
        }
}

static void test_restrict(void **state) {
        _cleanup_(policy_freep) Policy *policy =
                policy_of("blocked_imports = ['os.path', 'xml']\nblocked_builtins = ['eval']\n");

        (void)state;
        expect_explained(
                policy, "os",
                "import os: allowed: blocked_imports does not have it\n"
                "builtin os: there, if Python has it: blocked_builtins does not have it\n");
        expect_explained(policy, "os.path.join",
                         "import os.path.join: blocked: blocked_imports has 'os.path'\n");
        expect_explained(policy, "xml.dom", "import xml.dom: blocked: blocked_imports has 'xml'\n");
        expect_explained(policy, "xmlx",
                         "import xmlx: allowed: blocked_imports does not have it\n"
                         "builtin xmlx: there, if Python has it: blocked_builtins does not have "
                         "it\n");
        expect_explained(policy, "eval",
                         "import eval: allowed: blocked_imports does not have it\n"
                         "builtin eval: missing: blocked_builtins has it\n");
        expect_explained(policy, "importlib.util",
                         "import importlib.util: blocked, always: it could import anything\n");
        expect_explained(
                policy, "9 lives",
                "'9 lives' is no key of a policy (the nearest is 'cpu_seconds') and no name\n");
}

static void test_allow(void **state) {
        _cleanup_(policy_freep) Policy *policy =
                policy_of("mode = 'allow'\nallowed_imports = ['json']\nallowed_builtins = ['len']");

        (void)state;
        expect_explained(policy, "json.decoder",
                         "import json.decoder: allowed: allowed_imports has 'json'\n");
        expect_explained(
                policy, "len",
                "import len: not allowed: mode is allow, and allowed_imports has no 'len'\n"
                "builtin len: there, if Python has it: allowed_builtins has it\n");
        expect_explained(policy, "os",
                         "import os: not allowed: mode is allow, and allowed_imports has no 'os'\n"
                         "builtin os: missing: mode is allow, and allowed_builtins does not have "
                         "it\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_restrict),
                cmocka_unit_test(test_allow),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
