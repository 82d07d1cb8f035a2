#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Source: the text of the user's code, for those who print its lines
 */
#include <stdbool.h>

#include "worker/pyapi.h"
#include "worker/tools.h"

typedef struct Source Source;

struct Source {
        PyObject *name; /* of the file as tracebacks show it; borrowed */
        PyObject *text; /* str */
        PyObject *string_io;
        bool published;
};

/* The code as str: strict UTF-8 without NUL, a byte order mark dropped. NULL with a SyntaxError, or
 * MemoryError, set. */
PyObject *source_decode(PyObject *bytes);

/* Puts the lines into linecache once that module exists. Cheap until then and ever after; never
 * fails. */
void source_publish(Source *source);
/* Takes them out again, and forgets the text. */
void source_withdraw(Source *source);
