/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli-capture.h"
#include "cli/bench.h"
#include "cli/status.h"

/* What is measured is in tests/integration/test_bench.py. */
static void test_usage(void **state) {
        static const CaptureFailure cases[] = {
                {"please", STATUS_USAGE, "spr: 'spr bench' takes no argument: 'please'\n"},
                {"--only hits", STATUS_USAGE, "spr: --only 'hits': did you mean 'hit'?\n"},
                {"--only frobnicate", STATUS_USAGE,
                 "spr: --only 'frobnicate': see 'spr help bench'\n"},
                {"--runs 0", STATUS_USAGE, NULL},
                {"--runs 99999999999", STATUS_USAGE, "spr: at most 100000000 runs\n"},
                {"--standbys 4097", STATUS_USAGE, "spr: at most 4096 standbys\n"},
                {"--venv /x --python y", STATUS_USAGE, "spr: give --python or --venv, not both\n"},
                {"--policy /nowhere.toml", STATUS_USAGE, NULL},
                {"--python /nowhere/python3", STATUS_INTERPRETER, NULL},
                {"--frobnicate", STATUS_USAGE, NULL},
        };

        (void)state;
        capture_failures(bench_main, cases, ARRAY_SIZE(cases));
}

static void test_help(void **state) {
        Capture captured = capture(bench_main, "--help");

        (void)state;
        assert_int_equal(captured.status, STATUS_OK);
        assert_non_null(strstr(captured.out, "spr bench [OPTIONS]"));
        assert_non_null(strstr(captured.out, "--only NAME"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_usage),
                cmocka_unit_test(test_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
