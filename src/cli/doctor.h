#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The verb `spr doctor`
 */
#include "cli/context.h"
#include "cli/options.h"

extern const OptionSpec doctor_options[];
extern const char doctor_examples[];

/* Returns the exit status: 0 where this machine confines a run as a new policy demands, else 1. */
int doctor_main(const CliContext *context, int argc, char **argv);
