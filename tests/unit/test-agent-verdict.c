/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/verdict.h"
#include "base/attr.h"

#define SEC       UINT64_C(1000000000)
#define EXITED(n) ((n) << 8)
#define KILLED(s) (s)

static const struct Row {
        const char *what;
        Ending ending;
        Outcome outcome;
        KilledBy killed_by;
        int exit_code, signal;
        bool exceeded, takes_result;
        const char *error; /* the agent's own words; "" = none */
} rows[] = {
        /* the table of the compatibility contract */
        {"ends", {.has_result = true}, OUTCOME_OK, 0, 0, 0, false, true, ""},
        {"sys.exit(2)",
         {.has_result = true, .result = {.exit_code = 2}},
         OUTCOME_ERROR,
         0,
         2,
         0,
         false,
         true,
         ""},
        {"sys.exit(-1)",
         {.has_result = true, .result = {.exit_code = 255}},
         OUTCOME_ERROR,
         0,
         255,
         0,
         false,
         true,
         ""},
        {"sys.exit(-1), raw",
         {.has_result = true, .result = {.exit_code = -1}},
         OUTCOME_ERROR,
         0,
         255,
         0,
         false,
         true,
         ""},
        {"raises",
         {.has_result = true, .result = {.verdict = VERDICT_ERROR, .exit_code = 1}},
         OUTCOME_ERROR,
         0,
         1,
         0,
         false,
         true,
         ""},
        {"is denied",
         {.has_result = true, .result = {.verdict = VERDICT_DENIED, .exit_code = 1}},
         OUTCOME_DENIED,
         0,
         1,
         0,
         false,
         true,
         ""},
        {"result too large",
         {.has_result = true, .result = {.verdict = VERDICT_OUTPUT, .exit_code = 1}},
         OUTCOME_OUTPUT,
         0,
         1,
         0,
         false,
         true,
         ""},
        {"MemoryError",
         {.has_result = true, .result = {.verdict = VERDICT_MEMORY, .exit_code = 1}},
         OUTCOME_MEMORY,
         0,
         2,
         0,
         true,
         true,
         "Memory limit exceeded"},
        {"exceeds memory",
         {.killed_by = KILLED_BY_MEMORY, .status = KILLED(SIGKILL)},
         OUTCOME_MEMORY,
         KILLED_BY_MEMORY,
         2,
         0,
         true,
         false,
         "Memory limit exceeded"},
        {"exceeds 5 s",
         {.killed_by = KILLED_BY_TIMEOUT, .timeout_ns = 5 * SEC},
         OUTCOME_TIMEOUT,
         KILLED_BY_TIMEOUT,
         124,
         0,
         false,
         false,
         "Execution timed out after 5s"},
        {"exceeds 0.25 s",
         {.killed_by = KILLED_BY_TIMEOUT, .timeout_ns = SEC / 4},
         OUTCOME_TIMEOUT,
         KILLED_BY_TIMEOUT,
         124,
         0,
         false,
         false,
         "Execution timed out after 0.25s"},
        {"exceeds a day",
         {.killed_by = KILLED_BY_TIMEOUT, .timeout_ns = 86400 * SEC},
         OUTCOME_TIMEOUT,
         KILLED_BY_TIMEOUT,
         124,
         0,
         false,
         false,
         "Execution timed out after 86400s"},
        {"exceeds 1 ns",
         {.killed_by = KILLED_BY_TIMEOUT, .timeout_ns = 1},
         OUTCOME_TIMEOUT,
         KILLED_BY_TIMEOUT,
         124,
         0,
         false,
         false,
         "Execution timed out after 1e-09s"},

        /* what the contract has no words for */
        {"is cancelled",
         {.killed_by = KILLED_BY_CANCEL},
         OUTCOME_CANCELLED,
         KILLED_BY_CANCEL,
         130,
         0,
         false,
         false,
         "run was cancelled"},
        {"breaks the protocol",
         {.killed_by = KILLED_BY_AGENT},
         OUTCOME_INFRA,
         KILLED_BY_AGENT,
         125,
         0,
         false,
         false,
         "the worker broke the protocol and was killed"},
        {"answers nonsense",
         {.has_result = true, .result = {.verdict = _VERDICT_N}},
         OUTCOME_INFRA,
         0,
         125,
         0,
         false,
         false,
         "the worker answered nonsense"},
        {"answers nonsense, far out",
         {.has_result = true, .result = {.verdict = UINT32_MAX}},
         OUTCOME_INFRA,
         0,
         125,
         0,
         false,
         false,
         "the worker answered nonsense"},
        {"SIGSEGV",
         {.status = KILLED(SIGSEGV) | 0x80},
         OUTCOME_CRASH,
         KILLED_BY_SIGNAL,
         139,
         SIGSEGV,
         false,
         false,
         "the process was killed by signal 11 (SIGSEGV)"},
        {"SIGKILL from somebody",
         {.status = KILLED(SIGKILL)},
         OUTCOME_CRASH,
         KILLED_BY_SIGNAL,
         137,
         SIGKILL,
         false,
         false,
         "the process was killed by signal 9 (SIGKILL)"},
        {"a real-time signal",
         {.status = KILLED(40)},
         OUTCOME_CRASH,
         KILLED_BY_SIGNAL,
         168,
         40,
         false,
         false,
         "the process was killed by signal 40 (SIG?)"},
        {"os._exit(3)",
         {.status = EXITED(3)},
         OUTCOME_CRASH,
         0,
         3,
         0,
         false,
         false,
         "the process ended itself with status 3, as os._exit() does, before the run was complete"},
        {"os._exit(0)",
         {.status = EXITED(0)},
         OUTCOME_CRASH,
         0,
         1,
         0,
         false,
         false,
         "the process ended itself with status 0, as os._exit() does, before the run was complete"},

        /* who goes before whom */
        {"answers, and is killed at its deadline",
         {.has_result = true, .killed_by = KILLED_BY_TIMEOUT, .timeout_ns = SEC},
         OUTCOME_TIMEOUT,
         KILLED_BY_TIMEOUT,
         124,
         0,
         false,
         false,
         "Execution timed out after 1s"},
        {"answers, and is killed as everything is at its end",
         {.has_result = true, .status = KILLED(SIGKILL)},
         OUTCOME_OK,
         0,
         0,
         0,
         false,
         true,
         ""},
};

static void test_rows(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const struct Row *row = &rows[i];
                Verdict verdict;

                verdict_decide(&verdict, &row->ending);
                if (verdict.outcome != row->outcome || verdict.killed_by != row->killed_by ||
                    verdict.exit_code != row->exit_code || verdict.signal != row->signal ||
                    verdict.resource_exceeded != row->exceeded ||
                    verdict.takes_result != row->takes_result ||
                    strcmp(verdict.error, row->error) != 0)
                        fail_msg("%s: outcome %d, killed by %d, exit %d, signal %d, '%s'",
                                 row->what, (int)verdict.outcome, (int)verdict.killed_by,
                                 verdict.exit_code, verdict.signal, verdict.error);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
