#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Scope: the module __main__ that the user's code runs in
 */
#include "worker/pyapi.h"
#include "worker/rules.h"

/* Makes a fresh __main__, puts it into sys.modules, fills in its globals and returns them. NULL
 * with an exception set; a ValueError has words for the caller. */
PyObject *scope_new(const Rules *rules, PyObject *builtins, PyObject *input);
