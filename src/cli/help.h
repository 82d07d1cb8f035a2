#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The verb `spr help`, and help for the others; all of it made from the table of verbs
 */
#include "cli/context.h"

/* Each returns the exit status. */
int help_main(const CliContext *context, int argc, char **argv);
/* What `spr` alone prints. */
int help_overview(const CliContext *context);
/* What `spr VERB --help` prints. */
int help_verb(const CliContext *context, const char *name);
