#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Interpreter: find the Python that is meant
 *
 * Host process. Nothing is run, but for a shim (a script named python3, as pyenv has): that is
 * asked once which interpreter it stands for, since a run cannot start through it.
 */
#include <stdbool.h>

#include "base/failure.h"

typedef struct InterpreterQuery InterpreterQuery;

enum {
        _INTERPRETER_E_SUCCESS,
        INTERPRETER_E_NOT_FOUND, /* nothing there */
        INTERPRETER_E_UNUSABLE,  /* something there that cannot be it */
};

struct InterpreterQuery {
        /* An absolute path, a relative one (with a "/"), a name to look for, or the directory of a
         * venv, as a path. */
        const char *name;
        const char *search_path;        /* a PATH for names; NULL: names are not looked for */
        const char *const *environment; /* for a shim, as it is; NULL: only PATH */
};

/* An absolute path in *pathp, to be freed with free(). The links of a venv's python are kept:
 * pyvenv.cfg is found beside the link. Failures > 0 carry words as well. */
int interpreter_find(const InterpreterQuery *query, char **pathp, Failure *failure);
/* bin/python or bin/python3 of a venv. */
int interpreter_find_in_venv(const char *directory, char **pathp, Failure *failure);
