#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The options of `spr bench`, as its parts share them
 */
#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"

typedef struct BenchOptions BenchOptions;

struct BenchOptions {
        const char *code;
        const char *input;
        const char *policy;
        const char *python;
        const char *venv;
        OptionList preload;
        OptionList only;
        uint64_t n_runs;     /* the size of a sample */
        uint64_t n_jobs;     /* the most runs in flight */
        uint64_t n_soak;     /* 0: no soak */
        uint64_t n_standbys; /* 0: as many as the engine takes by itself */
        bool json;
};

static inline void bench_options_deinitp(BenchOptions *options) {
        option_list_deinit(&options->preload);
        option_list_deinit(&options->only);
}
