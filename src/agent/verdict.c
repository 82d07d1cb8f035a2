/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/verdict.h"

/* Exit codes of the compatibility contract. */
enum {
        EXIT_CODE_ERROR = 1,
        EXIT_CODE_MEMORY = 2,
        EXIT_CODE_TIMEOUT = 124,
        EXIT_CODE_INFRA = 125,
        EXIT_CODE_SIGNAL = 128,
        EXIT_CODE_CANCELLED = 130,
};

static void verdict_timeout(Verdict *verdict, const Ending *ending) {
        verdict->outcome = OUTCOME_TIMEOUT;
        verdict->exit_code = EXIT_CODE_TIMEOUT;
        (void)snprintf(verdict->error, sizeof(verdict->error), "Execution timed out after %.12gs",
                       (double)ending->timeout_ns / 1e9);
}

static void verdict_cpu(Verdict *verdict, const Ending *ending) {
        verdict->outcome = OUTCOME_TIMEOUT;
        verdict->exit_code = EXIT_CODE_TIMEOUT;
        (void)snprintf(verdict->error, sizeof(verdict->error), "CPU time limit of %.12gs exceeded",
                       (double)ending->cpu_ns / 1e9);
}

static void verdict_memory(Verdict *verdict) {
        verdict->outcome = OUTCOME_MEMORY;
        verdict->exit_code = EXIT_CODE_MEMORY;
        verdict->resource_exceeded = true;
        (void)snprintf(verdict->error, sizeof(verdict->error), "Memory limit exceeded");
}

/* Killed over a limit for which no outcome of its own exists. */
static void verdict_limit(Verdict *verdict, const char *words) {
        verdict->outcome = OUTCOME_CRASH;
        verdict->exit_code = EXIT_CODE_SIGNAL + SIGKILL;
        verdict->resource_exceeded = true;
        (void)snprintf(verdict->error, sizeof(verdict->error), "%s", words);
}

static void verdict_cancelled(Verdict *verdict) {
        verdict->outcome = OUTCOME_CANCELLED;
        verdict->exit_code = EXIT_CODE_CANCELLED;
        (void)snprintf(verdict->error, sizeof(verdict->error), "run was cancelled");
}

static void verdict_infra(Verdict *verdict, const char *words) {
        verdict->outcome = OUTCOME_INFRA;
        verdict->exit_code = EXIT_CODE_INFRA;
        (void)snprintf(verdict->error, sizeof(verdict->error), "%s", words);
}

/* The worker answered before it ended. */
static void verdict_answer(Verdict *verdict, const WorkerResultFrame *result) {
        verdict->takes_result = true;
        verdict->exit_code = result->exit_code & 255;
        switch ((WorkerVerdict)result->verdict) {
        case VERDICT_OK:
                verdict->outcome = verdict->exit_code ? OUTCOME_ERROR : OUTCOME_OK;
                return;
        case VERDICT_ERROR:
                verdict->outcome = OUTCOME_ERROR;
                return;
        case VERDICT_DENIED:
                verdict->outcome = OUTCOME_DENIED;
                return;
        case VERDICT_OUTPUT:
                verdict->outcome = OUTCOME_OUTPUT;
                return;
        case VERDICT_MEMORY:
                verdict_memory(verdict);
                return;
        case _VERDICT_N:
        default:
                verdict->takes_result = false;
                verdict_infra(verdict, "the worker answered nonsense");
        }
}

static void verdict_signal(Verdict *verdict, int signal) {
        const char *name = sigabbrev_np(signal);

        verdict->outcome = OUTCOME_CRASH;
        verdict->killed_by = KILLED_BY_SIGNAL;
        verdict->signal = signal;
        verdict->exit_code = EXIT_CODE_SIGNAL + signal;
        (void)snprintf(verdict->error, sizeof(verdict->error),
                       "the process was killed by signal %d (SIG%s)", signal, name ? name : "?");
}

static void verdict_exit(Verdict *verdict, int code) {
        verdict->outcome = OUTCOME_CRASH;
        verdict->exit_code = code ? code : EXIT_CODE_ERROR;
        (void)snprintf(verdict->error, sizeof(verdict->error),
                       "the process ended itself with status %d, as os._exit() does, "
                       "before the run was complete",
                       code);
}

void verdict_decide(Verdict *verdict, const Ending *ending) {
        *verdict = (Verdict){.killed_by = ending->killed_by};
        switch (ending->killed_by) {
        case KILLED_BY_TIMEOUT:
                verdict_timeout(verdict, ending);
                return;
        case KILLED_BY_CPU:
                verdict_cpu(verdict, ending);
                return;
        case KILLED_BY_MEMORY:
                verdict_memory(verdict);
                return;
        case KILLED_BY_PROCESSES:
                verdict_limit(
                        verdict,
                        "killed with more processes and threads than allowed (max_processes)");
                return;
        case KILLED_BY_DISK:
                verdict_limit(
                        verdict,
                        "killed with more in its files, or more files, than allowed (disk_mb)");
                return;
        case KILLED_BY_CANCEL:
                verdict_cancelled(verdict);
                return;
        case KILLED_BY_AGENT:
                verdict_infra(verdict, "the worker broke the protocol and was killed");
                return;
        case KILLED_BY_NOBODY:
        case KILLED_BY_SIGNAL:
        case _KILLED_BY_N:
        default:
                break;
        }
        if (ending->has_result)
                verdict_answer(verdict, &ending->result);
        else if (WIFSIGNALED(ending->status))
                verdict_signal(verdict, WTERMSIG(ending->status));
        else
                verdict_exit(verdict, WEXITSTATUS(ending->status));
}
