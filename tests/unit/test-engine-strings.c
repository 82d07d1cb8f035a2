/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/strings.h"

static void test_list_ends_in_null(void **state) {
        _cleanup_(strings_deinitp) Strings strings = STRINGS_NULL;

        (void)state;
        assert_null(strings_array(&strings)[0]);
        for (int i = 0; i < 20; ++i) {
                assert_int_equal(strings_addf(&strings, "item-%d", i), 0);
                assert_int_equal(strings.n_items, i + 1);
                assert_null(strings_array(&strings)[i + 1]);
        }
        assert_string_equal(strings.items[19], "item-19");
}

static void test_array_is_copied(void **state) {
        _cleanup_(strings_deinitp) Strings strings = STRINGS_NULL;
        const char *const array[] = {"b", "c", "a", NULL};

        (void)state;
        assert_int_equal(strings_add_array(&strings, array), 0);
        assert_int_equal(strings_add_array(&strings, NULL), 0);
        assert_int_equal(strings.n_items, 3);
        strings_sort(&strings);
        assert_string_equal(strings.items[0], "a");
        assert_string_equal(strings.items[2], "c");
        assert_true(strings_contain(&strings, "b"));
        assert_false(strings_contain(&strings, "d"));
}

static void test_remove_closes_the_gap(void **state) {
        _cleanup_(strings_deinitp) Strings strings = STRINGS_NULL;
        const char *const array[] = {"a", "b", "c", NULL};

        (void)state;
        assert_int_equal(strings_add_array(&strings, array), 0);
        strings_remove(&strings, 1);
        assert_int_equal(strings.n_items, 2);
        assert_string_equal(strings.items[1], "c");
        assert_null(strings.items[2]);
        strings_remove(&strings, 1);
        strings_remove(&strings, 0);
        assert_null(strings_array(&strings)[0]);
}

static void test_null_is_out_of_memory(void **state) {
        _cleanup_(strings_deinitp) Strings strings = STRINGS_NULL;

        (void)state;
        assert_true(strings_add_consume(&strings, NULL) < 0);
        assert_int_equal(strings.n_items, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list_ends_in_null),
                cmocka_unit_test(test_array_is_copied),
                cmocka_unit_test(test_remove_closes_the_gap),
                cmocka_unit_test(test_null_is_out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
