/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cli/status.h"

/* A result as far as statuses look into it, in place of libspr's. */
struct SprResult {
        SprOutcome outcome;
        int exit_code;
        int status;
};

SprOutcome spr_result_get_outcome(const SprResult *result) {
        return result->outcome;
}

int spr_result_get_exit_code(const SprResult *result) {
        return result->exit_code;
}

bool spr_result_get_ok(const SprResult *result) {
        return result->outcome == SPR_OUTCOME_OK;
}

static void test_results(void **state) {
        static const SprResult cases[] = {
                {SPR_OUTCOME_OK, 0, 0},          {SPR_OUTCOME_ERROR, 1, 1},
                {SPR_OUTCOME_ERROR, 42, 42},     {SPR_OUTCOME_ERROR, 255, 255},
                {SPR_OUTCOME_ERROR, 0, 1}, /* never looks like success */
                {SPR_OUTCOME_TIMEOUT, 124, 124}, {SPR_OUTCOME_MEMORY, 2, 137},
                {SPR_OUTCOME_OUTPUT, 1, 1},      {SPR_OUTCOME_DENIED, 1, 1},
                {SPR_OUTCOME_CRASH, 139, 139},   {SPR_OUTCOME_CRASH, 0, 1},
                {SPR_OUTCOME_CANCELLED, 1, 130}, {SPR_OUTCOME_INFRA, 125, 125},
                {SPR_OUTCOME_INFRA, 0, 125},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(status_from_result(&cases[i]), cases[i].status);
}

static void test_errors(void **state) {
        static const struct {
                int r;
                int status;
        } cases[] = {
                {0, 0},
                {SPR_E_INVALID, 2},
                {SPR_E_POLICY, 2},
                {SPR_E_INTERPRETER, 127},
                {SPR_E_ENVIRONMENT, 125},
                {SPR_E_AGENT, 125},
                {SPR_E_INTERRUPTED, 130},
                {SPR_E_CLOSED, 125},
                {-ENOMEM, 125},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(status_from_error(cases[i].r), cases[i].status);
}

static void test_signals(void **state) {
        (void)state;
        assert_true(status_is_signal(STATUS_INTERRUPTED));
        assert_true(status_is_signal(143));
        assert_false(status_is_signal(STATUS_MEMORY));
        assert_false(status_is_signal(STATUS_BROKEN_PIPE));
        assert_false(status_is_signal(STATUS_INTERPRETER));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_results),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_signals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
