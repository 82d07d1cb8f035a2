/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <wordexp.h>

#include "cli/engine-options.h"
#include "cli/handles.h"
#include "cli/run-engine.h"
#include "cli/status.h"

#define ENGINE_LOCAL   "local"
#define ENGINE_COMMAND "cmd"

static bool engine_is_command(const RunOptions *options) {
        return options->command || (options->engine && !strcmp(options->engine, ENGINE_COMMAND));
}

int run_engine_check(const RunOptions *options, Fault *fault) {
        const char *engine = options->engine;

        if (engine && strcmp(engine, ENGINE_LOCAL) != 0 && strcmp(engine, ENGINE_COMMAND) != 0)
                return fault_set(fault, STATUS_USAGE, "no engine '%s': %s or %s", engine,
                                 ENGINE_LOCAL, ENGINE_COMMAND);
        if (!engine_is_command(options))
                return options->shell_hop ? fault_set(fault, STATUS_USAGE,
                                                      "--shell-hop is of use with --command only")
                                          : 0;
        if (engine && strcmp(engine, ENGINE_COMMAND) != 0)
                return fault_set(fault, STATUS_USAGE, "--command is not for --engine %s", engine);
        if (!options->command)
                return fault_set(fault, STATUS_USAGE,
                                 "--engine %s needs --command: what leads to a Python",
                                 ENGINE_COMMAND);
        if (options->python || options->venv || options->packages.n_items > 0 ||
            options->script_deps)
                return fault_set(fault, STATUS_USAGE,
                                 "--python, --venv, --with and --script-deps are for this machine: "
                                 "with --command the interpreter is the one that it leads to");
        return 0;
}

/* As a shell splits it, but for what would run a command. */
static int command_set(SprEngineOptions *options, const char *command, Fault *fault) {
        wordexp_t words = {0};
        int r = wordexp(command, &words, WRDE_NOCMD | WRDE_UNDEF);

        if (r == WRDE_NOSPACE)
                return fault_set_oom(fault);
        if (r)
                return fault_set(fault, STATUS_USAGE,
                                 "--command '%s': not words as a shell understands them", command);
        r = spr_engine_options_set_command(options, (const char *const *)words.we_wordv);
        wordfree(&words);
        if (r == SPR_E_INVALID)
                return fault_set(fault, STATUS_USAGE, "--command is empty");
        return r ? fault_set_oom(fault) : 0;
}

/* Names that are none are refused by spr_engine_new(), in words. */
static int preloads_add(SprEngineOptions *options, const OptionList *preloads) {
        int r = 0;

        for (size_t i = 0; i < preloads->n_items && r >= 0; ++i) {
                if (strcmp(preloads->items[i], "auto") == 0)
                        spr_engine_options_set_preload_auto(options, true);
                else
                        r = spr_engine_options_add_preload(options, preloads->items[i]);
        }
        return r < 0 ? r : 0;
}

static int
options_make(const RunEnvironment *environment, SprEngineOptions **optionsp, Fault *fault) {
        const RunOptions *options = environment->options;
        _cleanup_(freep) char *python = NULL;
        int r;

        if (!engine_is_command(options)) {
                r = run_environment_find_python(environment, &python, fault);
                return r ? r : engine_options_make(environment->context, python, optionsp, fault);
        }
        r = engine_options_make(environment->context, NULL, optionsp, fault);
        if (r)
                return r;
        spr_engine_options_set_shell_hop(*optionsp, options->shell_hop);
        return command_set(*optionsp, options->command, fault);
}

int run_engine_make(const RunEnvironment *environment, SprEngine **enginep, Fault *fault) {
        _cleanup_(spr_engine_options_freep) SprEngineOptions *options = NULL;
        SprError error = {0};
        int r;

        r = options_make(environment, &options, fault);
        if (r)
                return r;
        r = preloads_add(options, &environment->options->preloads);
        if (!r && environment->options->audit)
                r = spr_engine_options_set_audit_log(options, environment->options->audit);
        if (r)
                return fault_set_oom(fault);
        r = spr_engine_new(enginep, options, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}
