/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cli-capture.h"
#include "cli/status.h"
#include "cli/verbs.h"

static void test_find(void **state) {
        (void)state;
        for (const Verb *verb = verbs; verb->name; verb++)
                assert_ptr_equal(verb_find(verb->name), verb);
        assert_ptr_equal(verb_find("--help"), verb_find("help"));
        assert_ptr_equal(verb_find("-V"), verb_find("version"));
        assert_null(verb_find("ru"));
        assert_null(verb_find(""));
}

static void test_dispatch(void **state) {
        static const struct {
                const char *words;
                int status;
                const char *out; /* the beginning */
        } cases[] = {
                {"", STATUS_OK, "spr runs Python"},
                {"help", STATUS_OK, "spr runs Python"},
                {"--help", STATUS_OK, "spr runs Python"},
                {"-h", STATUS_OK, "spr runs Python"},
                {"help run", STATUS_OK, "run Python code, confined"},
                {"run --help", STATUS_OK, "run Python code, confined"},
                {"version", STATUS_OK, "spr "},
                {"--version", STATUS_OK, "spr "},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Capture captured = capture(verbs_dispatch, cases[i].words);

                assert_int_equal(captured.status, cases[i].status);
                assert_string_equal(captured.err, "");
                assert_memory_equal(captured.out, cases[i].out, strlen(cases[i].out));
        }
}

static void test_unknown(void **state) {
        static const struct {
                const char *words;
                const char *err;
        } cases[] = {
                {"rn", "spr: unknown verb 'rn': did you mean 'spr run'?\n"},
                {"--versoin", "spr: unknown option '--versoin': did you mean 'spr version'?\n"},
                {"frobnicate x", "spr: unknown verb 'frobnicate': see 'spr help'\n"},
                {"/dev/null", "spr: unknown verb '/dev/null': did you mean 'spr run /dev/null'?\n"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Capture captured = capture(verbs_dispatch, cases[i].words);

                assert_int_equal(captured.status, STATUS_USAGE);
                assert_string_equal(captured.out, "");
                assert_string_equal(captured.err, cases[i].err);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_dispatch),
                cmocka_unit_test(test_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
