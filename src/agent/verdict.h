#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Verdict: how a run ended, from what the agent knows
 *
 * Pure. The agent's own deeds (it killed for a reason) go before the kernel's word (how the process
 * ended), and that before the worker's, which is only believed about what happened inside it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "wire/messages.h"
#include "wire/outcome.h"

typedef struct Ending Ending;
typedef struct Verdict Verdict;

#define VERDICT_TEXT_MAX 256

struct Ending {
        KilledBy killed_by; /* by the agent; KILLED_BY_NOBODY if it did not */
        bool has_result;    /* the worker answered, with @result */
        WorkerResultFrame result;
        int status; /* as from wait4(2) */
        uint64_t timeout_ns;
        uint64_t cpu_ns; /* the limit */
};

struct Verdict {
        Outcome outcome;
        KilledBy killed_by;
        int exit_code;
        int signal;
        bool resource_exceeded;
        bool takes_result;            /* the worker's result and error text are delivered */
        char error[VERDICT_TEXT_MAX]; /* the agent's own words, "" = the worker's or none */
};

void verdict_decide(Verdict *verdict, const Ending *ending);
