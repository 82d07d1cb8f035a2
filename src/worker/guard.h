#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Guard: the builtins of the user's code, with an __import__ that asks the rules
 */
#include <stdbool.h>

#include "worker/pyapi.h"
#include "worker/rules.h"
#include "worker/source.h"

typedef struct Guard Guard;

struct Guard {
        const Rules *rules;
        Source *source;
        PyObject *refusals; /* dict: full name → the message it was refused with */
};

/* The dict for __builtins__. Its __import__ uses @guard until the process ends. @prepared is a copy
 * of the builtins to make it of, or NULL to copy them now. NULL with an exception set. */
PyObject *guard_builtins_new(Guard *guard, const Rules *rules, Source *source, PyObject *prepared);

/* When none of the code that had the builtins is left. */
void guard_deinit(Guard *guard);

/* Whether @exception is a refusal of this guard. */
bool guard_refused(const Guard *guard, PyObject *exception);
