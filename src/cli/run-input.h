#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * What a run gets to work on: its code and its input
 */
#include <stddef.h>

#include <spr/spr.h>

#include "cli/fault.h"
#include "cli/run-options.h"

typedef struct RunInput RunInput;

#define RUN_INPUT_CODE_MAX  ((size_t)16 << 20) /* libspr's limits, see spr_request_set_code() */
#define RUN_INPUT_INPUT_MAX ((size_t)96 << 20)

struct RunInput {
        const char *name; /* what tracebacks call the code; borrowed */
        char *code;
        size_t n_code;
        char *input; /* JSON text; NULL without --input */
        size_t n_input;
};

/* Reads what options and operands name, standard input for `-` and `@-`. Returns 0 or a status. */
int run_input_load(RunInput *input,
                   const RunOptions *options,
                   const OptionList *operands,
                   Fault *fault);
void run_input_deinit(RunInput *input);
/* The run of it under @policy. Returns 0 or a status. */
int run_input_to_request(const RunInput *input,
                         SprPolicy *policy,
                         SprRequest **requestp,
                         Fault *fault);

static inline void run_input_deinitp(RunInput *input) {
        run_input_deinit(input);
}
