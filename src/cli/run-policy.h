#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Run policy: what the code may do, from the policy file and the options that override it
 */
#include <spr/spr.h>

#include "cli/fault.h"
#include "cli/run-options.h"

/* Returns 0, or a status with the words in @fault. */
int run_policy_load(const RunOptions *options, SprPolicy **policyp, Fault *fault);
