#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * `spr bench`: how fast runs are here and now, through the public API
 */
#include "cli/context.h"
#include "cli/options.h"

extern const OptionSpec bench_options[];
extern const char bench_examples[];

/* Returns the exit status. */
int bench_main(const CliContext *context, int argc, char **argv);
