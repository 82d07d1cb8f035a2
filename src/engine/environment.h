#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Environment: the variables that a helper program (uv, pip, python -m venv) is given
 *
 * The caller's variables, so that proxies, indexes, certificates and HOME work, less those that
 * would turn the helper away from the venv it is told to work on or from the wheels it is told to
 * insist on; plus what keeps its output plain.
 */
#include "engine/strings.h"

#define ENVIRONMENT_SEARCH_PATH "/usr/local/bin:/usr/bin:/bin"

/* @variables is an envp ("NAME=value"), or NULL for none; @search_path is the PATH where it has no
 * PATH, NULL for ENVIRONMENT_SEARCH_PATH. @environment must be empty; 0 or -ENOMEM. */
int environment_build(Strings *environment, const char *const *variables, const char *search_path);
