#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Missing: which of a script's requirements an interpreter does not meet
 *
 * Asks the interpreter itself, in one process, in isolated mode. Requirements travel as arguments;
 * none of their text is ever evaluated.
 */
#include "base/failure.h"
#include "engine/strings.h"

enum {
        _MISSING_E_SUCCESS,
        MISSING_E_INTERPRETER, /* it did not answer; what it said is in the failure */
};

/* Adds to @missing those of @requirements that are not met, as they stand there, and
 * "python<requires_python>" where that is not met (NULL: anything will do). Names, extras aside,
 * are always checked; versions fully where the interpreter can import `packaging` (its own or
 * pip's), else "==" and, for Python, the usual comparisons. A requirement whose marker cannot be
 * judged counts as met. @environment is an envp, or NULL. */
int missing_find(Strings *missing,
                 const char *python,
                 const char *const *environment,
                 const Strings *requirements,
                 const char *requires_python,
                 Failure *failure);
