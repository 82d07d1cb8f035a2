#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * How a run is told: the code's output, its result, our words; or one JSON object
 */
#include <stdbool.h>

#include "cli/fault.h"
#include "cli/words.h"

typedef struct RunOutput RunOutput;

struct RunOutput {
        int stdout_fd;
        int stderr_fd;
        bool json;
        const Words *words;
};

/* Both return the exit status of the command: what @result or @fault says, STATUS_BROKEN_PIPE where
 * stdout's reader has gone, STATUS_FAILURE where it cannot be written. */
int run_output_result(const RunOutput *output, const SprResult *result);
int run_output_fault(const RunOutput *output, const Fault *fault);
