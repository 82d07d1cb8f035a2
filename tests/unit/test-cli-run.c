/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "cli-capture.h"
#include "cli/run.h"
#include "cli/status.h"

/* What is refused before an engine is made; real runs are in tests/integration/test_cli.py. */
static void test_refusals(void **state) {
        static const struct {
                const char *words;
                int status;
                const char *err; /* the beginning */
        } cases[] = {
                {"", STATUS_USAGE, "spr: nothing to run: give FILE, -c CODE or -"},
                {"--tiemout 5 -c 1", STATUS_USAGE, "spr: unknown option '--tiemout': did you mean"},
                {"-c 1 --timeout 0", STATUS_USAGE, "spr: --timeout '0': not a duration"},
                {"-c 1 --timeout 25h", STATUS_USAGE, "spr: "},
                {"-c 1 --memory 1K", STATUS_USAGE, "spr: "},
                {"-c 1 --max-processes many", STATUS_USAGE,
                 "spr: --max-processes 'many': not a whole"},
                {"-c 1 --max-processes 5000", STATUS_USAGE, "spr: 'max_processes' must be at most"},
                {"-c 1 --env A", STATUS_USAGE, "spr: --env 'A': not NAME=VALUE"},
                {"-c 1 --network all", STATUS_USAGE, "spr: --network 'all': not none or host"},
                {"-c 1 --policy /nonexistent.toml", STATUS_USAGE, "spr: "},
                {"/nonexistent.py", STATUS_USAGE, "spr: cannot open '/nonexistent.py': No such"},
                {"-c 1 --python /nonexistent/python3", STATUS_INTERPRETER, "spr: "},
                {"-c 1 --venv /nonexistent", STATUS_INTERPRETER, "spr: "},
                {"-c 1 --with pandas", STATUS_USAGE, "spr: "},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Capture captured = capture(run_main, cases[i].words);

                if (captured.status != cases[i].status)
                        fail_msg("'%s': %d, %s", cases[i].words, captured.status, captured.err);
                assert_string_equal(captured.out, "");
                assert_memory_equal(captured.err, cases[i].err, strlen(cases[i].err));
        }
}

static void test_refusal_in_json(void **state) {
        Capture captured = capture(run_main, "--frobnicate --json");

        (void)state;
        assert_int_equal(captured.status, STATUS_USAGE);
        assert_memory_equal(captured.out, "{\"ok\": false, ", strlen("{\"ok\": false, "));
        assert_non_null(strstr(captured.out, "\"error\": \"unknown option '--frobnicate'\""));
        assert_non_null(strstr(captured.out, "\"exit_code\": 2"));
        assert_int_equal(strcspn(captured.out, "\n"), strlen(captured.out) - 1); /* one line */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_refusal_in_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
