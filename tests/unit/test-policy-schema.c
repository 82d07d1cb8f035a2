/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/schema.h"
#include "policy/suggest.h"

static void test_rows(void **state) {
        (void)state;
        for (size_t i = 0; i < SCHEMA_KEYS; ++i) {
                const SchemaKey *key = &schema_keys[i];

                /* emit.c writes them in this order and calls it sorted */
                if (i > 0)
                        assert_true(strcmp(schema_keys[i - 1].name, key->name) < 0);
                assert_true(strlen(key->name) <= SUGGEST_NAME_MAX);
                assert_true(strlen(key->summary) > 10);
                assert_ptr_equal(schema_find(key->name, strlen(key->name)), key);
                assert_ptr_equal(schema_at(key->offset), key);
                if (key->type == SCHEMA_NUMBER || key->type == SCHEMA_SECONDS) {
                        assert_true(key->fallback >= key->min && key->fallback <= key->max);
                        assert_true(key->max <= UINT64_MAX / key->unit);
                }
                if (key->type == SCHEMA_CHOICE || key->type == SCHEMA_NAMES)
                        assert_non_null(key->words);
                if (key->or_zero)
                        assert_int_equal(key->type, SCHEMA_SECONDS);
        }
}

static void test_find(void **state) {
        bool near;

        (void)state;
        assert_null(schema_find("mod", 3));
        assert_null(schema_find("modes", 5));
        assert_null(schema_find("mode\0", 5));
        assert_null(schema_find("", 0));
        assert_non_null(schema_find("modes", 4));
        assert_string_equal(schema_nearest("modus", 5, &near), "mode");
        assert_true(near);
}

static void test_defaults(void **state) {
        Policy with = {0}, without = {0};

        (void)state;
        assert_int_equal(schema_set_defaults(&with, true), 0);
        assert_int_equal(schema_set_defaults(&without, false), 0);
        assert_int_equal(with.blocked_imports.n_items, 5);
        for (size_t i = 0; i < SCHEMA_KEYS; ++i) {
                const SchemaKey *key = &schema_keys[i];
                StringList *list = schema_list(key, &with);

                if (!list)
                        continue;
                assert_int_equal(schema_list(key, &without)->n_items, 0);
                for (size_t j = 0; j < list->n_items; ++j)
                        assert_null(name_fault(key->words[j], strlen(key->words[j]), key->syntax));
                string_list_deinit(list);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_defaults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
