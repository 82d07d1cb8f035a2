/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli-capture.h"
#include "cli/audit.h"
#include "cli/status.h"

/* What it says of logs is in tests/integration/test_audit.py. */
static void test_usage(void **state) {
        static const CaptureFailure cases[] = {
                {"", STATUS_USAGE, "spr: say 'spr audit verify FILE'\n"},
                {"look x", STATUS_USAGE, "spr: say 'spr audit verify FILE', not look\n"},
                {"verify", STATUS_USAGE, "spr: 'spr audit verify' wants a file\n"},
                {"verify /nowhere/log", STATUS_FAILURE,
                 "spr: cannot read the audit log '/nowhere/log': No such file or directory\n"},
                {"--frobnicate", STATUS_USAGE, NULL},
        };

        (void)state;
        capture_failures(audit_main, cases, ARRAY_SIZE(cases));
}

static void test_faults(void **state) {
        Capture captured = capture(audit_main, "verify /dev/null");

        (void)state;
        assert_int_equal(captured.status, 1);
        assert_string_equal(captured.out, "/dev/null:1: the file is empty: every log has a line\n");
        captured = capture(audit_main, "verify --json /dev/null");
        assert_int_equal(captured.status, 1);
        assert_memory_equal(captured.out, "{\"ok\": false, ", 14);
}

static void test_help(void **state) {
        Capture captured = capture(audit_main, "--help");

        (void)state;
        assert_int_equal(captured.status, STATUS_OK);
        assert_non_null(strstr(captured.out, "spr audit [OPTIONS] verify FILE..."));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_usage),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
