#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Where the code of `spr run` runs: on this machine, or where a command leads to
 */
#include <spr/spr.h>

#include "cli/run-environment.h"

/* Whether the options say where, without contradiction. Returns 0 or a status. */
int run_engine_check(const RunOptions *options, Fault *fault);

/* May install packages, see run-environment.h. Returns 0 or a status. */
int run_engine_make(const RunEnvironment *environment, SprEngine **enginep, Fault *fault);
