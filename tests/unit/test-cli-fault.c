/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/fault.h"
#include "cli/status.h"

static void test_set(void **state) {
        Fault fault = {.remedy = "an older one"};

        (void)state;
        assert_int_equal(fault_set(&fault, STATUS_USAGE, "no '%s'", "x"), STATUS_USAGE);
        assert_int_equal(fault.status, STATUS_USAGE);
        assert_string_equal(fault.text, "no 'x'");
        assert_string_equal(fault.remedy, "");
        assert_int_equal(fault_set_oom(&fault), STATUS_FAILURE);
        assert_string_equal(fault.text, "out of memory");
}

static void test_error(void **state) {
        SprError words = {.code = SPR_E_INTERPRETER, .message = "cannot find 'python9'"};
        SprError silent = {0};
        Fault fault = {0};

        (void)state;
        assert_int_equal(fault_set_error(&fault, SPR_E_INTERPRETER, &words), STATUS_INTERPRETER);
        assert_string_equal(fault.text, "cannot find 'python9'");
        assert_int_equal(fault_set_error(&fault, -ENOMEM, &silent), STATUS_FAILURE);
        assert_string_equal(fault.text, strerror(ENOMEM));
        assert_int_equal(fault_set_error(&fault, SPR_E_AGENT, &silent), STATUS_FAILURE);
        assert_true(fault.text[0] != '\0');
}

static void test_long_text(void **state) {
        char text[4096];
        Fault fault = {0};

        (void)state;
        (void)memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        (void)fault_set(&fault, STATUS_USAGE, "%s", text);
        assert_int_equal(strlen(fault.text), sizeof(fault.text) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_error),
                cmocka_unit_test(test_long_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
