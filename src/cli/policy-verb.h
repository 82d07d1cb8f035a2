#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The verbs `spr policy` and `spr schema`
 */
#include "cli/context.h"
#include "cli/options.h"

extern const OptionSpec policy_options[];
extern const char policy_examples[];
extern const OptionSpec schema_options[];

int policy_main(const CliContext *context, int argc, char **argv);
int schema_main(const CliContext *context, int argc, char **argv);
