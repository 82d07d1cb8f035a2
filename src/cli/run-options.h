#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The options of `spr run`, as the parts of the verb share them
 */
#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"

typedef struct RunOptions RunOptions;

struct RunOptions {
        const char *code;
        const char *input;
        const char *policy;
        const char *preset;
        const char *python;
        const char *venv;
        const char *engine; /* NULL: as the others say */
        const char *command;
        OptionList packages; /* --with */
        OptionList preloads;
        uint64_t timeout_ns; /* 0: the policy's */
        uint64_t memory_bytes;
        uint64_t disk_bytes;
        uint64_t file_bytes;
        uint64_t cpu_ns;
        uint64_t max_processes;
        OptionList env;   /* --env */
        OptionList paths; /* --read-only */
        const char *network;
        const char *audit;
        bool allow_processes;
        bool proc;
        bool allow_sdist;
        bool script_deps;
        bool shell_hop;
        bool json;
        bool quiet;
};

static inline void run_options_deinitp(RunOptions *options) {
        option_list_deinit(&options->packages);
        option_list_deinit(&options->preloads);
        option_list_deinit(&options->env);
        option_list_deinit(&options->paths);
}
