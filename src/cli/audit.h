#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * spr audit verify FILE…: whether a log is as it was written
 */
#include "cli/context.h"
#include "cli/options.h"

extern const OptionSpec audit_options[];
extern const char audit_examples[];

int audit_main(const CliContext *context, int argc, char **argv);
