#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The verb `spr run`
 */
#include "cli/context.h"
#include "cli/options.h"

extern const OptionSpec run_options[];
extern const char run_examples[];

/* @argv without "spr run". Returns the exit status. */
int run_main(const CliContext *context, int argc, char **argv);
