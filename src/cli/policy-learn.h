#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * spr policy learn FILE…: the smallest policy under which these programs pass
 */
#include <stddef.h>

#include "cli/context.h"
#include "cli/fault.h"
#include "cli/run-options.h"

/* Prints a policy file to standard output. Returns 0 or a status with the words in @fault. */
int policy_learn(const CliContext *context,
                 const RunOptions *options,
                 const char *const *files,
                 size_t n_files,
                 Fault *fault);
