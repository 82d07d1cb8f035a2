#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Where a run gets its interpreter and packages from
 *
 *         --with, --script-deps    a cached environment of exactly these packages
 *         --venv DIR, --python P   as they are
 *         $VIRTUAL_ENV             else
 *         python3                  in PATH, else
 *
 * A script that names packages (PEP 723) gets them only when the user says so: installing a package
 * runs code of its author's choice outside the sandbox.
 */
#include <spr/spr.h>

#include "cli/context.h"
#include "cli/fault.h"
#include "cli/run-input.h"
#include "cli/run-options.h"

typedef struct RunEnvironment RunEnvironment;

struct RunEnvironment {
        const CliContext *context;
        const RunOptions *options;
        const RunInput *input;
        Words *words; /* for progress */
        int argc;     /* of the verb, for the command that a refusal tells to type */
        char **argv;
};

/* The interpreter's absolute path; free with free(). May install packages, and says so in notes.
 * Returns 0 or a status. */
int run_environment_find_python(const RunEnvironment *environment, char **pythonp, Fault *fault);
