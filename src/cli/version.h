#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The verb `spr version`
 */
#include "cli/context.h"

/* Returns the exit status. */
int version_main(const CliContext *context, int argc, char **argv);
