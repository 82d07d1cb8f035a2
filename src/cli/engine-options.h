#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The options of the command's engine: the interpreter that was chosen, the agent beside the
 * command
 */
#include <spr/spr.h>

#include "cli/context.h"
#include "cli/fault.h"

/* @python: NULL for an engine that finds its own. Returns 0 or a status. */
int engine_options_make(const CliContext *context,
                        const char *python,
                        SprEngineOptions **optionsp,
                        Fault *fault);
