#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Failure: what went wrong in our own machinery, in a fixed-size record
 *
 * Filled without allocation, also between fork and user code, sent over a socket as it is, and
 * turned into the public error. What happens to the user's program is never a Failure: it is an
 * Outcome in the result.
 */
#include <errno.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct Failure Failure;

#define FAILURE_TEXT_MAX 480

typedef enum FailureStage {
        FAILURE_STAGE_NONE,
        FAILURE_STAGE_REQUEST,     /* the caller's request is not acceptable */
        FAILURE_STAGE_POLICY,      /* a policy file or value */
        FAILURE_STAGE_ENVIRONMENT, /* the interpreter, its venv or packages */
        FAILURE_STAGE_AGENT,       /* spr-agent could not be started, died or misbehaved */
        FAILURE_STAGE_ZYGOTE,      /* the zygote could not be started or died */
        FAILURE_STAGE_SANDBOX,     /* a layer of the confinement could not be applied */
        FAILURE_STAGE_WORKER,      /* the worker broke before or after the user's code */
        FAILURE_STAGE_RESOURCES,   /* out of descriptors, memory, processes or disk */
        FAILURE_STAGE_AUDIT,       /* the audit log cannot be written, or read */
        _FAILURE_STAGE_N,
} FailureStage;

struct Failure {
        uint32_t stage;              /* FailureStage */
        int32_t code;                /* errno, 0 if none applies */
        char text[FAILURE_TEXT_MAX]; /* NUL-terminated: lower case, no full stop, subject quoted */
};

#define FAILURE_NULL                                                                               \
        (Failure) {                                                                                \
                .stage = FAILURE_STAGE_NONE                                                        \
        }

/* Each returns -@code (or -EIO where @code is 0), so that `return failure_set(…)` reads well.
 * @failure may be NULL. failure_set() formats; failure_lit() only copies and is
 * async-signal-safe. failure_errno() appends ": <strerror>". */
int failure_set(Failure *failure, FailureStage stage, int code, const char *format, ...)
        _printf_(4, 5);
int failure_errno(Failure *failure, FailureStage stage, int code, const char *format, ...)
        _printf_(4, 5);
int failure_lit(Failure *failure, FailureStage stage, int code, const char *text);

/* Makes a record that came from outside safe to print: bounds the stage, terminates the text,
 * replaces control characters and what is not UTF-8. */
void failure_sanitise(Failure *failure);

const char *failure_stage_name(uint32_t stage);
