/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli-capture.h"
#include "cli/policy-verb.h"
#include "cli/status.h"

/* What it learns is in tests/integration/test_policy_tools.py. */
static void test_no_program(void **state) {
        static const CaptureFailure cases[] = {
                {"learn /nowhere/a.py", STATUS_USAGE, NULL},
                {"learn --python /nowhere/python3 /dev/null", STATUS_INTERPRETER, NULL},
        };

        (void)state;
        capture_failures(policy_main, cases, ARRAY_SIZE(cases));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_program),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
