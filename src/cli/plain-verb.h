#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Plain verb: one that takes options and no operands, and prints to standard output
 */
#include "cli/context.h"
#include "cli/fault.h"
#include "cli/options.h"

/* Parses into @options, which the caller has zeroed. Returns 0, OPTIONS_E_HELP or a status. */
int plain_verb_read(const char *verb,
                    const OptionSpec *specs,
                    void *options,
                    int argc,
                    char **argv,
                    Fault *fault);
/* Says why @fault, where @r is not 0. Returns the exit status: @status if all is well and all of
 * it could be written. */
int plain_verb_end(const CliContext *context, int r, const Fault *fault, int status);
