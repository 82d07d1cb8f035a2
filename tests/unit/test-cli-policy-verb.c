/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli-capture.h"
#include "cli/policy-verb.h"
#include "cli/status.h"

static void test_usage(void **state) {
        static const CaptureFailure cases[] = {
                {"", STATUS_USAGE,
                 "spr: say 'spr policy show', 'explain NAME', 'learn FILE' or 'presets'\n"},
                {"frob", STATUS_USAGE,
                 "spr: say 'spr policy show', 'explain NAME', 'learn FILE' or 'presets'\n"},
                {"explain", STATUS_USAGE, "spr: 'spr policy explain' wants a name\n"},
                {"learn", STATUS_USAGE, "spr: 'spr policy learn' wants a file\n"},
                {"show a b", STATUS_USAGE, "spr: 'spr policy show' takes one argument: 'b'\n"},
                {"show a --policy b", STATUS_USAGE, "spr: give the file or --policy, not both\n"},
                {"show /nowhere", STATUS_USAGE,
                 "spr: cannot open '/nowhere': No such file or directory\n"},
                {"show --policy-preset dta", STATUS_USAGE, NULL},
                {"--frobnicate", STATUS_USAGE, NULL},
        };
        static const CaptureFailure schemas[] = {
                {"", STATUS_USAGE, "spr: say 'spr schema policy'\n"},
                {"result", STATUS_USAGE, "spr: say 'spr schema policy'\n"},
        };

        (void)state;
        capture_failures(policy_main, cases, ARRAY_SIZE(cases));
        capture_failures(schema_main, schemas, ARRAY_SIZE(schemas));
}

static void test_output(void **state) {
        static const struct {
                const char *words, *out;
        } cases[] = {
                {"show", "\ntimeout_seconds = 5\n"},
                {"show --timeout 2s --origin",
                 "\ntimeout_seconds = 2                       # flag\n"},
                {"show --policy-preset open", "\nallow_processes = true\n"},
                {"show --json", "\"origins\": {\"allow_processes\": \"default\", "},
                {"explain proc", "proc: whether the code finds a /proc"},
                {"explain os --policy-preset judge", "import os: allowed"},
                {"presets", "judge    answers"},
                {"--help", "spr policy [OPTIONS] show | explain | learn"},
        };
        Capture captured;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                char text[sizeof(captured.out) + 1] = "\n";

                captured = capture(policy_main, cases[i].words);
                assert_int_equal(captured.status, STATUS_OK);
                assert_string_equal(captured.err, "");
                memcpy(text + 1, captured.out, sizeof(captured.out));
                assert_non_null(strstr(text, cases[i].out));
        }
        captured = capture(schema_main, "policy");
        assert_int_equal(captured.status, STATUS_OK);
        assert_memory_equal(captured.out, "{\"$schema\": ", 12);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_usage),
                cmocka_unit_test(test_output),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
