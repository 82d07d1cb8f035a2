#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Answer: what the worker will report of its run, in the making
 */
#include <stdint.h>

#include "wire/messages.h"
#include "worker/pyapi.h"

typedef struct Answer Answer;

struct Answer {
        WorkerVerdict verdict;
        int exit_code;
        PyObject *error;  /* str: one line; NULL = none */
        PyObject *result; /* str: JSON text; NULL = None */
};

#define ANSWER_NULL                                                                                \
        (Answer) {                                                                                 \
                .verdict = VERDICT_OK                                                              \
        }

void answer_deinit(Answer *answer);

/* Takes over the reference @error; NULL (no memory for the words) leaves the answer without
 * words. Drops the result of an answer that is no longer VERDICT_OK. */
void answer_set_consume(Answer *answer, WorkerVerdict verdict, int exit_code, PyObject *error);
/* VERDICT_MEMORY, with its words. */
void answer_set_memory(Answer *answer);
/* What the exception now set makes of a run that has not begun, or whose result cannot be written:
 * a MemoryError is VERDICT_MEMORY, anything else VERDICT_ERROR with @prefix and "Type: message";
 * @prefix NULL: the message alone. Clears the exception. */
void answer_set_raised(Answer *answer, const char *prefix);
