/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli-capture.h"
#include "cli/help.h"
#include "cli/status.h"
#include "cli/verbs.h"

static void test_overview(void **state) {
        Capture captured = capture(help_main, "");

        (void)state;
        assert_int_equal(captured.status, STATUS_OK);
        assert_string_equal(captured.err, "");
        for (const Verb *verb = verbs; verb->name; verb++) {
                char row[64];

                (void)snprintf(row, sizeof(row), "\n  spr %s ", verb->name);
                assert_non_null(strstr(captured.out, row));
                assert_non_null(strstr(captured.out, verb->summary));
        }
}

static void test_every_option_is_explained(void **state) {
        (void)state;
        for (const Verb *verb = verbs; verb->name; verb++) {
                Capture captured = capture(help_main, verb->name);

                assert_int_equal(captured.status, STATUS_OK);
                for (const OptionSpec *spec = verb->options; spec && spec->name; spec++) {
                        char option[64];

                        (void)snprintf(option, sizeof(option), " --%s", spec->name);
                        assert_non_null(strstr(captured.out, option));
                        assert_int_equal(spec->kind == OPTION_FLAG, spec->value == NULL);
                }
        }
}

static void test_lines_fit(void **state) {
        (void)state;
        for (const Verb *verb = verbs; verb->name; verb++) {
                Capture captured = capture(help_main, verb->name);

                for (const char *line = captured.out; *line; line += strcspn(line, "\n") + 1)
                        assert_in_range(strcspn(line, "\n"), 0, 80);
        }
}

static void test_unknown(void **state) {
        Capture captured = capture(help_main, "rnu");

        (void)state;
        assert_int_equal(captured.status, STATUS_USAGE);
        assert_string_equal(captured.out, "");
        assert_string_equal(captured.err, "spr: unknown verb 'rnu': did you mean 'spr run'?\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_overview),
                cmocka_unit_test(test_every_option_is_explained),
                cmocka_unit_test(test_lines_fit),
                cmocka_unit_test(test_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
