/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/items.h"
#include "policy/names.h"

static const Place place = {"p", 3};

static int add_path(StringList *list, const char *path, size_t length, Failure *failure) {
        return items_add_path(list, &(Text){path, length}, "paths", &place, failure);
}

static int set(StringList *list, const char *name, const char *value, Failure *failure) {
        return items_set_variable(list, &(Text){name, strlen(name)}, &(Text){value, strlen(value)},
                                  "env", &place, failure);
}

static void test_paths(void **state) {
        static const struct {
                const char *path, *stored; /* NULL: refused */
                const char *words;
        } rows[] = {
                {"/", NULL, "p:3: 'paths' holds '/', which is the whole file system"},
                {"/a", "/a", NULL},
                {"/a/", "/a", NULL},
                {"//a///b//", "/a/b", NULL},
                {"/./a/./b/.", "/a/b", NULL},
                {"/.", NULL, "is the whole file system"},
                {"/a/..", NULL, "which holds '..'"},
                {"/../a", NULL, "which holds '..'"},
                {"/a/...", "/a/...", NULL},
                {"/.a/b.", "/.a/b.", NULL},
                {"/a b/\xc3\xa4", "/a b/\xc3\xa4", NULL},
                {"", NULL, "'', which is not absolute"},
                {"a", NULL, "'a', which is not absolute"},
                {"~/a", NULL, "is not absolute"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(string_list_deinitp) StringList list = STRING_LIST_NULL;
                Failure failure = FAILURE_NULL;
                int r = add_path(&list, rows[i].path, strlen(rows[i].path), &failure);

                if (rows[i].stored) {
                        assert_int_equal(r, 0);
                        assert_string_equal(list.items[0], rows[i].stored);
                        /* once more is no more */
                        assert_int_equal(add_path(&list, rows[i].path, strlen(rows[i].path), NULL),
                                         0);
                        assert_int_equal(list.n_items, 1);
                        continue;
                }
                assert_true(r < 0);
                assert_int_equal(list.n_items, 0);
                if (!strstr(failure.text, rows[i].words))
                        fail_msg("'%s' lacks '%s'", failure.text, rows[i].words);
        }
}

static void test_path_limits(void **state) {
        _cleanup_(string_list_deinitp) StringList list = STRING_LIST_NULL;
        char path[POLICY_PATH_MAX + 1];
        Failure failure = FAILURE_NULL;

        (void)state;
        memset(path, 'a', sizeof(path));
        path[0] = '/';
        assert_int_equal(add_path(&list, path, POLICY_PATH_MAX, NULL), 0);
        assert_true(add_path(&list, path, POLICY_PATH_MAX + 1, &failure) < 0);
        assert_non_null(strstr(failure.text, "which is longer than 4095 bytes"));
        assert_true(add_path(&list, "/a\0b", 4, &failure) < 0);
        assert_non_null(strstr(failure.text, "which holds a NUL"));
        for (size_t i = 1; i < POLICY_PATHS_MAX; ++i) {
                (void)snprintf(path, sizeof(path), "/%zu", i);
                assert_int_equal(add_path(&list, path, strlen(path), NULL), 0);
        }
        assert_int_equal(add_path(&list, "/1", 2, NULL), 0);
        assert_true(add_path(&list, "/b", 2, &failure) < 0);
        assert_string_equal(failure.text, "p:3: 'paths' holds more than 64 paths");
}

static void test_variables(void **state) {
        _cleanup_(string_list_deinitp) StringList list = STRING_LIST_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(set(&list, "A", "1", NULL), 0);
        assert_int_equal(set(&list, "AB", "", NULL), 0);
        assert_int_equal(set(&list, "A", "x=\xc3\xbc", NULL), 0);
        assert_int_equal(list.n_items, 2);
        assert_string_equal(list.items[0], "A=x=\xc3\xbc");
        assert_string_equal(list.items[1], "AB=");
        assert_true(items_has_variable(&list, &(Text){"AB", 2}));
        assert_false(items_has_variable(&list, &(Text){"B", 1}));
        assert_false(items_has_variable(&list, &(Text){"A=x", 3}));
        assert_true(set(&list, "A-B", "1", &failure) < 0);
        assert_string_equal(failure.text,
                            "p:3: 'env' sets 'A-B', which is not the name of a variable");
        assert_true(items_set_variable(&list, &(Text){"A", 1}, &(Text){"a\0b", 3}, "env", &place,
                                       &failure) < 0);
        assert_string_equal(failure.text, "p:3: 'env' sets 'A' to what holds a NUL");
        assert_int_equal(list.n_items, 2);
}

static void test_variable_limits(void **state) {
        _cleanup_(string_list_deinitp) StringList list = STRING_LIST_NULL;
        char name[16], *value = malloc(POLICY_ENV_MAX + 2);
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_non_null(value);
        memset(value, 'v', POLICY_ENV_MAX + 1);
        value[POLICY_ENV_MAX + 1] = '\0';
        assert_true(set(&list, "A", value, &failure) < 0);
        assert_string_equal(failure.text, "p:3: 'env' is larger than 131072 bytes");
        value[POLICY_ENV_MAX - 2] = '\0';
        assert_int_equal(set(&list, "A", value, NULL), 0); /* with "A=" just so */
        assert_int_equal(set(&list, "A", value, NULL), 0); /* in place of itself */
        assert_true(set(&list, "B", "", &failure) < 0);
        assert_int_equal(set(&list, "A", "", NULL), 0);
        for (size_t i = 1; i < POLICY_VARIABLES_MAX; ++i) {
                (void)snprintf(name, sizeof(name), "A%zu", i);
                assert_int_equal(set(&list, name, "", NULL), 0);
        }
        assert_true(set(&list, "B", "", &failure) < 0);
        assert_string_equal(failure.text, "p:3: 'env' sets more than 256 variables");
        free(value);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_path_limits),
                cmocka_unit_test(test_variables),
                cmocka_unit_test(test_variable_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
