/* SPDX-License-Identifier: MIT */
#include "policy-text.h"

#include <jansson.h>

#include "policy/presets.h"
#include "policy/show.h"

/* What is shown is a policy file that says the same. */
static void test_round(void **state) {
        static const char *const texts[] = {
                "",
                "extends = 'strict'",
                "extends = 'open'\ntimeout_seconds = 0.000000001\n",
                "env = {A = \"quote \\\" and \\u0001\", B = ''}\nread_only_paths = ['/a b']\n",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i)
                for (int origin = 0; origin < 2; ++origin) {
                        _cleanup_(policy_freep) Policy *policy = policy_of(texts[i]);
                        _cleanup_(policy_freep) Policy *again = NULL;
                        _cleanup_(freep) char *text = NULL;

                        assert_int_equal(policy_show(policy, origin, &text), 0);
                        again = policy_of(text);
                        expect_same(policy, again);
                }
}

static void test_origin(void **state) {
        _cleanup_(policy_freep) Policy *policy =
                policy_of("extends = 'data'\n\nproc = true\nextra_globals = {a = 1}\n");
        _cleanup_(freep) char *text = NULL, *json = NULL;
        json_t *object;

        (void)state;
        assert_int_equal(policy_show(policy, true, &text), 0);
        assert_non_null(strstr(text, "\nproc = true                               # p.toml:3\n"));
        assert_non_null(
                strstr(text, "\ntimeout_seconds = 60                      # preset data\n"));
        assert_non_null(strstr(text, "\n# as JSON: extra_globals = {"));
        assert_int_equal(policy_show_json(policy, &json), 0);
        object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_int_equal(json_object_size(json_object_get(object, "values")), SCHEMA_KEYS);
        assert_int_equal(json_object_size(json_object_get(object, "origins")), SCHEMA_KEYS);
        json_decref(object);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round),
                cmocka_unit_test(test_origin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
