#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Variables: the environment that the policy gives the code
 */
#include "worker/pyapi.h"

/* Sets each of @variables, a dict of str, in os.environ, and so for the C library and for what the
 * code starts. 0, or -1 with an exception set. */
int variables_set(PyObject *variables);
