/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/names.h"

static void test_fault(void **state) {
        static const struct {
                const char *name;
                size_t length;
                const char *identifier, *module; /* the fault of each */
        } rows[] = {
                {"", 0, "is empty", "is empty"},
                {"a", 1, NULL, NULL},
                {"_a9", 3, NULL, NULL},
                {"9a", 2, "is not an identifier", "is not the name of a module"},
                {"a-b", 3, "is not an identifier", "is not the name of a module"},
                {"a.b", 3, "is not an identifier", NULL},
                {"a..b", 4, "is not an identifier", "is not the name of a module"},
                {".a", 2, "is not an identifier", "is not the name of a module"},
                {"a.", 2, "is not an identifier", "is not the name of a module"},
                {"a b", 3, "is not an identifier", "is not the name of a module"},
                {"a\0b", 3, "holds a NUL", "holds a NUL"},
                {"gr\xc3\xb6\xc3\x9f"
                 "e",
                 7, NULL, NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const char *identifier = name_fault(rows[i].name, rows[i].length, NAME_IDENTIFIER);
                const char *module = name_fault(rows[i].name, rows[i].length, NAME_MODULE);

                assert_string_equal(identifier ? identifier : "",
                                    rows[i].identifier ? rows[i].identifier : "");
                assert_string_equal(module ? module : "", rows[i].module ? rows[i].module : "");
        }
}

/* Identifiers, but of ASCII letters. */
static void test_variable(void **state) {
        static const char variable[] = "is not the name of a variable";
        static const struct {
                const char *name, *fault;
        } rows[] = {
                {"HOME", NULL},    {"_", NULL},       {"LD_LIBRARY_PATH2", NULL},
                {"2A", variable},  {"A-B", variable}, {"A=B", variable},
                {"a.b", variable}, {"A B", variable}, {"\xc3\x84", variable},
                {"", "is empty"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const char *fault = name_fault(rows[i].name, strlen(rows[i].name), NAME_VARIABLE);

                assert_string_equal(fault ? fault : "", rows[i].fault ? rows[i].fault : "");
        }
}

static void test_fault_length(void **state) {
        char name[POLICY_NAME_MAX + 1];

        (void)state;
        memset(name, 'a', sizeof(name));
        assert_null(name_fault(name, POLICY_NAME_MAX, NAME_IDENTIFIER));
        assert_string_equal(name_fault(name, POLICY_NAME_MAX + 1, NAME_MODULE),
                            "is longer than 256 bytes");
}

static void test_list(void **state) {
        _cleanup_(string_list_deinitp) StringList list = STRING_LIST_NULL, copy = STRING_LIST_NULL;
        char name[2] = "a";

        (void)state;
        assert_false(string_list_contains(&list, "a", 1));
        for (; name[0] <= 'z'; ++name[0])
                assert_int_equal(string_list_add(&list, name, 1), 0);
        assert_int_equal(string_list_add(&list, "os.path", 2), 0);
        assert_int_equal(list.n_items, 27);
        assert_string_equal(list.items[26], "os");
        assert_true(string_list_contains(&list, "z", 1));
        assert_true(string_list_contains(&list, "os.path", 2));
        assert_false(string_list_contains(&list, "os.path", 7));
        assert_false(string_list_contains(&list, "osx", 3));
        assert_int_equal(string_list_dup(&copy, &list), 0);
        string_list_deinit(&list);
        string_list_deinit(&list);
        assert_int_equal(copy.n_items, 27);
        assert_string_equal(copy.items[0], "a");
}

static void test_list_dup_empty(void **state) {
        StringList list = STRING_LIST_NULL, copy = STRING_LIST_NULL;

        (void)state;
        assert_int_equal(string_list_dup(&copy, &list), 0);
        assert_int_equal(copy.n_items, 0);
        string_list_deinit(&copy);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fault),          cmocka_unit_test(test_variable),
                cmocka_unit_test(test_fault_length),   cmocka_unit_test(test_list),
                cmocka_unit_test(test_list_dup_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
