/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/outcome.h"

static void test_names(void **state) {
        (void)state;
        for (uint32_t i = 0; i < _OUTCOME_N; ++i) {
                assert_non_null(outcome_name(i));
                for (uint32_t j = 0; j < i; ++j)
                        assert_string_not_equal(outcome_name(i), outcome_name(j));
        }
        assert_string_equal(outcome_name(OUTCOME_OK), "ok");
        assert_string_equal(outcome_name(OUTCOME_INFRA), "infra");
        assert_string_equal(outcome_name(_OUTCOME_N), "unknown");
        assert_string_equal(outcome_name(UINT32_MAX), "unknown");
}

static void test_killed_by_names(void **state) {
        (void)state;
        assert_null(killed_by_name(KILLED_BY_NOBODY));
        for (uint32_t i = 1; i < _KILLED_BY_N; ++i)
                assert_non_null(killed_by_name(i));
        assert_string_equal(killed_by_name(KILLED_BY_MEMORY), "memory");
        assert_string_equal(killed_by_name(_KILLED_BY_N), "unknown");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_killed_by_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
