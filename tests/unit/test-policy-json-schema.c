/* SPDX-License-Identifier: MIT */
#include "policy-text.h"

#include <jansson.h>

#include "policy/presets.h"
#include "policy/show.h"

/* That it accepts what the parser accepts is in tests/integration/test_policy_tools.py. */
static void test_rows(void **state) {
        _cleanup_(freep) char *json = NULL;
        json_t *schema, *properties, *extends;

        (void)state;
        assert_int_equal(policy_json_schema(&json), 0);
        assert_null(strchr(json, '\n'));
        schema = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(schema);
        properties = json_object_get(json_object_get(json_object_get(schema, "$defs"), "policy"),
                                     "properties");
        assert_int_equal(json_object_size(properties), SCHEMA_KEYS + 1);
        for (size_t i = 0; i < SCHEMA_KEYS; ++i) {
                const json_t *row = json_object_get(properties, schema_keys[i].name);

                assert_string_equal(json_string_value(json_object_get(row, "description")),
                                    schema_keys[i].summary);
        }
        extends = json_object_get(json_object_get(properties, "extends"), "enum");
        assert_int_equal(json_array_size(extends), PRESETS);
        json_decref(schema);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
