/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli-capture.h"
#include "cli/plain-verb.h"
#include "cli/status.h"

#define STATUS_FINE 7

typedef struct PlainOptions {
        bool loud;
} PlainOptions;

static const OptionSpec specs[] = {
        {"loud", 'l', OPTION_FLAG, offsetof(PlainOptions, loud), NULL, "say it"},
        {0},
};

static int plain_main(const CliContext *context, int argc, char **argv) {
        PlainOptions options = {0};
        Fault fault = {0};
        int r;

        r = plain_verb_read("plain", specs, &options, argc, argv, &fault);
        if (r == OPTIONS_E_HELP)
                return STATUS_OK;
        if (options.loud)
                (void)puts("loud");
        return plain_verb_end(context, r, &fault, STATUS_FINE);
}

static void test_cases(void **state) {
        static const struct {
                const char *words;
                int status;
                const char *out, *err;
        } rows[] = {
                {"--loud", STATUS_FINE, "loud\n", ""},
                {"--help", STATUS_OK, "", ""},
                {"--loud aha", STATUS_USAGE, "loud\n",
                 "spr: 'spr plain' takes no argument: 'aha'\n"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Capture captured = capture(plain_main, rows[i].words);

                assert_int_equal(captured.status, rows[i].status);
                assert_string_equal(captured.out, rows[i].out);
                assert_string_equal(captured.err, rows[i].err);
        }
        assert_int_equal(capture(plain_main, "--lout").status, STATUS_USAGE);
}

/* What could not be written is no success. */
static void test_full(void **state) {
        const CliContext context = {.words = {.fd = STDERR_FILENO}};
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC), saved = dup(STDOUT_FILENO);
        const Fault fault = {0};
        int status;

        (void)state;
        (void)fflush(stdout);
        assert_true(full >= 0 && saved >= 0 && dup2(full, STDOUT_FILENO) == STDOUT_FILENO);
        (void)puts("lost");
        status = plain_verb_end(&context, 0, &fault, STATUS_FINE);
        assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
        clearerr(stdout);
        (void)fd_close(full);
        (void)fd_close(saved);
        assert_int_equal(status, STATUS_FAILURE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
