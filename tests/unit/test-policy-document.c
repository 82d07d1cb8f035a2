/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/document.h"

static void test_entries(void **state) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;

        (void)state;
        for (unsigned int i = 0; i < 100; ++i) {
                Entry *entry;
                Value *item;

                assert_int_equal(document_add(&document, "a\0b", 3, &entry), 0);
                assert_int_equal(entry->key_length, 3);
                assert_memory_equal(entry->key, "a\0b", 4);
                assert_int_equal(entry->value.type, VALUE_NULL);
                entry->value.line = i * 37 % 100;
                for (unsigned int j = 0; j < i % 5; ++j) {
                        assert_int_equal(entry_add_item(entry, &item), 0);
                        assert_int_equal(value_set_text(item, "first", 5), 0);
                        assert_int_equal(value_set_text(item, "item", 4), 0);
                }
        }
        assert_int_equal(document.n_entries, 100);
        assert_int_equal(document.entries[99].n_items, 4);
        assert_string_equal(document.entries[99].items[3].text, "item");
        document_sort(&document);
        for (unsigned int i = 0; i < 100; ++i)
                assert_int_equal(document.entries[i].value.line, i);
}

static void test_empty(void **state) {
        Document document = DOCUMENT_NULL;
        Value value = {.type = VALUE_STRING};

        (void)state;
        document_sort(&document);
        document_deinit(&document);
        document_deinit(&document);
        assert_int_equal(value_set_text(&value, NULL, 0), 0);
        assert_string_equal(value.text, "");
        free(value.text);
}

static void test_type_names(void **state) {
        (void)state;
        for (unsigned int i = 0; i < _VALUE_TYPE_N; ++i)
                assert_non_null(value_type_name((ValueType)i));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_type_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
