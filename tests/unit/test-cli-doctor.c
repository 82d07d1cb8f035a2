/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli-capture.h"
#include "cli/doctor.h"
#include "cli/status.h"

/* What is shown of a machine is in tests/integration/test_doctor.py. */
static void test_usage(void **state) {
        static const CaptureFailure cases[] = {
                {"please", STATUS_USAGE, "spr: 'spr doctor' takes no argument: 'please'\n"},
                {"--venv /x --python y", STATUS_USAGE, "spr: give --python or --venv, not both\n"},
                {"--python /nowhere/python3", STATUS_INTERPRETER, NULL},
                {"--frobnicate", STATUS_USAGE, NULL},
        };

        (void)state;
        capture_failures(doctor_main, cases, ARRAY_SIZE(cases));
}

static void test_help(void **state) {
        Capture captured = capture(doctor_main, "--help");

        (void)state;
        assert_int_equal(captured.status, STATUS_OK);
        assert_non_null(strstr(captured.out, "spr doctor [OPTIONS]"));
        assert_non_null(strstr(captured.out, "--json"));
}

/* The agent's place is known to main() only; here it is the installed one, which is not there. */
static void test_no_agent(void **state) {
        Capture captured;

        (void)state;
        if (access("/usr/local/libexec/spr/spr-agent", F_OK) == 0)
                return;
        captured = capture(doctor_main, "--python /usr/bin/python3");
        assert_int_equal(captured.status, STATUS_FAILURE);
        assert_non_null(strstr(captured.err, "spr-agent"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_usage),
                cmocka_unit_test(test_help),
                cmocka_unit_test(test_no_agent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
