#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Run policy: what the code may do, from preset, policy file, environment and options, of which the
 * later ones override the earlier
 */
#include <spr/spr.h>

#include "cli/fault.h"
#include "cli/run-options.h"

/* @environment is an envp whose variables SPR_* go between the file and the options, or NULL.
 * Returns 0, or a status with the words in @fault. */
int run_policy_load(const RunOptions *options,
                    const char *const *environment,
                    SprPolicy **policyp,
                    Fault *fault);
