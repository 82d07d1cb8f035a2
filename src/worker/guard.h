#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Guard: the builtins of the user's code, with an __import__ that asks the rules
 */
#include <stdbool.h>
#include <stddef.h>

#include "worker/pyapi.h"
#include "worker/rules.h"
#include "worker/source.h"

typedef struct Guard Guard;

struct Guard {
        const Rules *rules;
        Source *source;
        PyObject *refusals; /* dict: full name → the message it was refused with */
        PyObject *imports;  /* dict: names of modules that were not there; NULL = not wanted */
};

/* The dict for __builtins__. Its __import__ uses @guard until the process ends. @prepared is a copy
 * of the builtins to make it of, or NULL to copy them now. NULL with an exception set. */
PyObject *guard_builtins_new(Guard *guard, const Rules *rules, Source *source, PyObject *prepared);

/* When none of the code that had the builtins is left. */
void guard_deinit(Guard *guard);

/* From here on, the names of modules are noted that the code itself imports and that were not there
 * before. 0, or -1 with an exception set. */
int guard_note_imports(Guard *guard);
/* Those names, each with its NUL, as many as @text has room for; their length. */
size_t guard_write_imports(const Guard *guard, char *text, size_t size);

/* Whether @exception is a refusal of this guard. */
bool guard_refused(const Guard *guard, PyObject *exception);
