#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Raised: an exception taken out of the interpreter, and its words
 */
#include "worker/pyapi.h"

typedef struct Raised Raised;

struct Raised {
        PyObject *type, *value, *traceback; /* the last may be NULL */
};

#define RAISED_NULL                                                                                \
        (Raised) {                                                                                 \
                .type = NULL                                                                       \
        }

/* Takes the exception that is set; none is set afterwards. */
void raised_fetch(Raised *raised);
void raised_deinit(Raised *raised);

/* "Type: message", one line, as the last line of a traceback has it; a str, or NULL only for want
 * of memory (nothing is set then). Runs the exception's __str__, and survives it. */
PyObject *raised_summary(const Raised *raised);

static inline void raised_deinitp(Raised *raised) {
        raised_deinit(raised);
}
