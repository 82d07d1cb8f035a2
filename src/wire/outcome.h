#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Outcome: how a run ended, as the agent decided it
 *
 * The numbers are the wire's and the public API's (SPR_OUTCOME_*); they never change meaning.
 */
#include <stdint.h>

typedef enum Outcome {
        OUTCOME_OK,        /* ended, also by sys.exit(0) */
        OUTCOME_ERROR,     /* an exception, or sys.exit() with another status */
        OUTCOME_TIMEOUT,   /* killed at its deadline, or out of processor time */
        OUTCOME_MEMORY,    /* killed at, or failed by, its memory limit */
        OUTCOME_OUTPUT,    /* the result was larger than allowed */
        OUTCOME_DENIED,    /* stopped by the policy */
        OUTCOME_CRASH,     /* died without answering: a signal, os._exit(), abort() */
        OUTCOME_CANCELLED, /* killed at the caller's wish */
        OUTCOME_INFRA,     /* our failure, not the code's */
        _OUTCOME_N,
} Outcome;

/* Who ended the process, where it did not end by itself. */
typedef enum KilledBy {
        KILLED_BY_NOBODY,
        KILLED_BY_TIMEOUT,   /* the agent, at the deadline */
        KILLED_BY_MEMORY,    /* the agent or the kernel, at the memory limit */
        KILLED_BY_SIGNAL,    /* a signal that the code or the kernel sent */
        KILLED_BY_CANCEL,    /* the agent, at the caller's wish */
        KILLED_BY_AGENT,     /* the agent, closing down or after a broken protocol */
        KILLED_BY_CPU,       /* the agent, at the limit of processor time */
        KILLED_BY_PROCESSES, /* the agent, at the limit of processes and threads */
        KILLED_BY_DISK,      /* the agent, at the limit of files and what they hold */
        _KILLED_BY_N,
} KilledBy;

/* "ok", "error", …; "unknown" for a number outside the enum. */
const char *outcome_name(uint32_t outcome);
/* NULL for KILLED_BY_NOBODY, "unknown" outside the enum. */
const char *killed_by_name(uint32_t killed_by);
