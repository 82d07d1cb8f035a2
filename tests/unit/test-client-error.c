/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "client/error.h"

static void test_set(void **state) {
        SprError error;

        (void)state;
        assert_int_equal(error_set(&error, SPR_E_CLOSED, "closed %d", 7), SPR_E_CLOSED);
        assert_int_equal(error.code, SPR_E_CLOSED);
        assert_string_equal(error.message, "closed 7");
        assert_int_equal(error_set(NULL, SPR_E_CLOSED, "closed"), SPR_E_CLOSED);
        assert_int_equal(error_from_errno(&error, -ENOMEM), -ENOMEM);
        assert_string_equal(error.message, strerror(ENOMEM));
}

static void test_from_failure(void **state) {
        static const struct {
                FailureStage stage;
                int code;
                int expected;
        } cases[] = {
                {FAILURE_STAGE_REQUEST, EINVAL, SPR_E_INVALID},
                {FAILURE_STAGE_POLICY, EINVAL, SPR_E_POLICY},
                {FAILURE_STAGE_ENVIRONMENT, ENOENT, SPR_E_INTERPRETER},
                {FAILURE_STAGE_AGENT, ENOENT, SPR_E_AGENT},
                {FAILURE_STAGE_ZYGOTE, 0, SPR_E_AGENT},
                {FAILURE_STAGE_RESOURCES, EMFILE, SPR_E_AGENT},
                {FAILURE_STAGE_RESOURCES, ENOMEM, -ENOMEM},
                {FAILURE_STAGE_RESOURCES, EBUSY, SPR_E_BUSY},
                {_FAILURE_STAGE_N, 0, SPR_E_AGENT},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                Failure failure = {.stage = (uint32_t)cases[i].stage, .code = cases[i].code};
                SprError error;

                memcpy(failure.text, "words", sizeof("words"));
                assert_int_equal(error_from_failure(&error, &failure), cases[i].expected);
                assert_int_equal(error.code, cases[i].expected);
                assert_string_equal(error.message, "words");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_from_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
