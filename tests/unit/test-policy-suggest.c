/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/suggest.h"

static const char *const keys[] = {
        "allowed_builtins", "allowed_globals",
        "allowed_imports",  "blocked_builtins",
        "blocked_globals",  "blocked_imports",
        "extra_globals",    "max_output_kb",
        "memory_limit_mb",  "mode",
        "timeout_seconds",
};

static void test_nearest(void **state) {
        static const struct {
                const char *word, *name;
                bool near;
        } rows[] = {
                {"mode", "mode", true},
                {"moed", "mode", true},
                {"timeout_second", "timeout_seconds", true},
                {"timeout", "timeout_seconds", true},
                {"timeouts", "timeout_seconds", true},
                {"Timeout-Seconds", "timeout_seconds", true},
                {"tiemout_seconds", "timeout_seconds", true},
                {"memory", "memory_limit_mb", true},
                {"memory_mb", "memory_limit_mb", true},
                {"max_output", "max_output_kb", true},
                {"blocked_import", "blocked_imports", true},
                {"block_imports", "blocked_imports", true},
                {"allow_imports", "allowed_imports", true},
                {"globals", "extra_globals", true},
                {"q", "mode", false},
                {"network_access_for_everyone", NULL, false},
                {"", NULL, false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                NearestName nearest =
                        suggest_nearest(rows[i].word, strlen(rows[i].word), keys, ARRAY_SIZE(keys));

                assert_non_null(nearest.name);
                if (rows[i].name)
                        assert_string_equal(nearest.name, rows[i].name);
                assert_int_equal(nearest.near, rows[i].near);
        }
}

static void test_bounds(void **state) {
        static char word[1 << 20], name[SUGGEST_NAME_MAX + 2];
        const char *const names[] = {name, name + 1};
        NearestName nearest;

        (void)state;
        memset(word, 'a', sizeof(word));
        memset(name, 'a', SUGGEST_NAME_MAX + 1);
        nearest = suggest_nearest(word, sizeof(word), names, 0);
        assert_null(nearest.name);
        assert_false(nearest.near);
        /* one letter too long, and just not */
        nearest = suggest_nearest(word, sizeof(word), names, 1);
        assert_null(nearest.name);
        nearest = suggest_nearest(word, sizeof(word), names, 2);
        assert_ptr_equal(nearest.name, name + 1);
}

static void test_first_of_equals(void **state) {
        static const char *const names[] = {"bat", "cat"};

        (void)state;
        assert_string_equal(suggest_nearest("hat", 3, names, 2).name, "bat");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nearest),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_first_of_equals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
