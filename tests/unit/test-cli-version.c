/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <spr/spr.h>

#include "cli-capture.h"
#include "cli/status.h"
#include "cli/version.h"

static void test_version(void **state) {
        Capture captured = capture(version_main, "");
        char expected[64];

        (void)state;
        (void)snprintf(expected, sizeof(expected), "spr %s\n", spr_version());
        assert_int_equal(captured.status, STATUS_OK);
        assert_string_equal(captured.out, expected);
        assert_string_equal(captured.err, "");
}

static void test_argument(void **state) {
        Capture captured = capture(version_main, "please");

        (void)state;
        assert_int_equal(captured.status, STATUS_USAGE);
        assert_string_equal(captured.err, "spr: 'spr version' takes no argument: 'please'\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_version),
                cmocka_unit_test(test_argument),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
