/* SPDX-License-Identifier: MIT */
/*
 * An ordinary run costs no process here: a python3 that is a program needs no question, a cached
 * environment is known by its marker, and the script is read for metadata only where the block's
 * first line occurs in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/handles.h"
#include "cli/run-environment.h"
#include "cli/status.h"

#define SCRIPT_MARK "# /// script"

static int interpreter_find(const RunEnvironment *environment,
                            const char *name,
                            char **pythonp,
                            Fault *fault) {
        SprError error = {0};
        int r;

        r = spr_find_interpreter(name, environment->context->search_path,
                                 environment->context->environment, pythonp, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

/* A directory is a path here, also one without a slash, which would else be looked for in PATH. */
static int
venv_find(const RunEnvironment *environment, const char *directory, char **pythonp, Fault *fault) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s%s", strchr(directory, '/') ? "" : "./", directory) < 0)
                return fault_set_oom(fault);
        return interpreter_find(environment, path, pythonp, fault);
}

static int base_find(const RunEnvironment *environment, char **pythonp, Fault *fault) {
        const RunOptions *options = environment->options;

        if (options->python)
                return interpreter_find(environment, options->python, pythonp, fault);
        if (options->venv)
                return venv_find(environment, options->venv, pythonp, fault);
        if (environment->context->virtual_env)
                return venv_find(environment, environment->context->virtual_env, pythonp, fault);
        return interpreter_find(environment, "python3", pythonp, fault);
}

/* *scriptp is NULL for code without metadata. */
static int script_read(const RunInput *input, SprScript **scriptp, Fault *fault) {
        SprError error = {0};
        int r;

        if (!memmem(input->code, input->n_code, SCRIPT_MARK, strlen(SCRIPT_MARK)))
                return 0;
        r = spr_script_new(scriptp, input->code, input->n_code, input->name, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

static int cache_root_find(const CliContext *context, char **rootp, Fault *fault) {
        int n;

        if (context->cache_home && context->cache_home[0] == '/')
                n = asprintf(rootp, "%s", context->cache_home);
        else if (context->home && context->home[0] == '/')
                n = asprintf(rootp, "%s/.cache", context->home);
        else
                return fault_set(fault, STATUS_FAILURE,
                                 "no place for a cached environment: set HOME or XDG_CACHE_HOME");
        return n < 0 ? fault_set_oom(fault) : 0;
}

static int packages_add(const RunEnvironment *environment,
                        const SprScript *script,
                        SprVenvOptions *venv,
                        SprError *error) {
        const OptionList *packages = &environment->options->packages;
        const char *dependency;
        int r = 0;

        for (size_t i = 0; r == 0 && i < packages->n_items; i++)
                r = spr_venv_options_add_package(venv, packages->items[i], error);
        if (!script || !environment->options->script_deps)
                return r;
        for (size_t i = 0; r == 0 && (dependency = spr_script_get_dependency(script, i)); i++)
                r = spr_venv_options_add_requirement(venv, dependency, error);
        return r;
}

static void progress_say(void *userdata, const char *line) {
        const Words *words = userdata;

        words_note(words, "%s", line);
}

static int venv_options_make(const RunEnvironment *environment,
                             const SprScript *script,
                             const char *base,
                             SprVenvOptions **venvp,
                             Fault *fault) {
        _cleanup_(spr_venv_options_freep) SprVenvOptions *venv = NULL;
        const CliContext *context = environment->context;
        SprError error = {0};
        int r;

        r = spr_venv_options_new(&venv);
        if (r == 0)
                r = spr_venv_options_set_python(venv, base);
        if (r == 0 && context->search_path)
                r = spr_venv_options_set_search_path(venv, context->search_path);
        if (r == 0 && context->environment)
                r = spr_venv_options_set_environment(venv, context->environment);
        if (r == 0)
                r = packages_add(environment, script, venv, &error);
        if (r)
                return fault_set_error(fault, r, &error);

        spr_venv_options_set_allow_sdist(venv, environment->options->allow_sdist);
        spr_venv_options_set_progress(venv, progress_say, environment->words);
        *venvp = take_ptr(&venv);
        return 0;
}

/* The interpreter of the cached environment that has the packages, made if it is not there. */
static int cached_ensure(const RunEnvironment *environment,
                         const SprScript *script,
                         const char *base,
                         char **pythonp,
                         Fault *fault) {
        _cleanup_(spr_venv_options_freep) SprVenvOptions *venv = NULL;
        _cleanup_(freep) char *directory = NULL, *root = NULL;
        SprError error = {0};
        int r;

        r = venv_options_make(environment, script, base, &venv, fault);
        if (r)
                return r;
        r = cache_root_find(environment->context, &root, fault);
        if (r)
                return r;

        r = spr_venv_cache_directory(venv, root, &directory, &error);
        if (r == 0)
                r = spr_venv_options_set_directory(venv, directory);
        if (r == 0)
                r = spr_venv_ensure(venv, pythonp, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

/* Quotes @word for a shell, if it has to be. */
static int word_append(Buffer *command, const char *word) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "@%+=:,./_-";
        int r;

        if (*word != '\0' && word[strspn(word, plain)] == '\0')
                return buffer_append(command, word, strlen(word));

        r = buffer_append(command, "'", 1);
        for (; r == 0 && *word; word++)
                r = *word == '\'' ? buffer_append(command, "'\\''", 4)
                                  : buffer_append(command, word, 1);
        return r ? r : buffer_append(command, "'", 1);
}

/* The same command again, with --script-deps. One that is too long to be shown is left out. */
static void remedy_set(const RunEnvironment *environment, Fault *fault) {
        _cleanup_(buffer_deinitp) Buffer command = BUFFER_NULL;
        const char *program = environment->context->program;
        int r;

        buffer_init(&command, sizeof(fault->remedy) - 1);
        r = word_append(&command, program ? program : "spr");
        if (r == 0)
                r = buffer_append(&command, " run --script-deps", strlen(" run --script-deps"));
        for (int i = 0; r == 0 && i < environment->argc; i++) {
                r = buffer_append(&command, " ", 1);
                if (r == 0)
                        r = word_append(&command, environment->argv[i]);
        }
        if (r == 0)
                (void)memcpy(fault->remedy, buffer_bytes(&command), buffer_length(&command));
}

/* Whether @missing, "a, python>=3.13, b", names the interpreter itself. */
static bool missing_is_python(const char *missing) {
        while (missing) {
                if (strncmp(missing, "python", 6) == 0 && strchr("<>=!~ ", missing[6]))
                        return true;
                missing = strstr(missing, ", ");
                missing = missing ? missing + 2 : NULL;
        }
        return false;
}

/* Refuses a script whose metadata @python does not meet. */
static int script_check(const RunEnvironment *environment,
                        const SprScript *script,
                        const char *python,
                        Fault *fault) {
        _cleanup_(freep) char *missing = NULL;
        const char *name = environment->input->name;
        SprError error = {0};
        int r;

        r = spr_script_find_missing(script, python, environment->context->environment, &missing,
                                    &error);
        if (r)
                return fault_set_error(fault, r, &error);
        if (!missing)
                return 0;

        if (missing_is_python(missing))
                return fault_set(fault, STATUS_USAGE,
                                 "'%s' asks for what '%s' lacks: %s; choose another interpreter "
                                 "with --python",
                                 name, python, missing);
        (void)fault_set(fault, STATUS_USAGE, "'%s' asks for packages that '%s' lacks: %s", name,
                        python, missing);
        if (!environment->options->script_deps)
                remedy_set(environment, fault);
        return STATUS_USAGE;
}

static int options_check(const RunOptions *options, Fault *fault) {
        if (!options->venv)
                return 0;
        if (options->python)
                return fault_set(fault, STATUS_USAGE, "give --python or --venv, not both");
        if (options->packages.n_items > 0 || options->script_deps)
                return fault_set(fault, STATUS_USAGE,
                                 "--venv is used as it is: leave it out, and %s makes an "
                                 "environment of its own",
                                 options->script_deps ? "--script-deps" : "--with");
        return 0;
}

/* Whether packages are to be had from a cached environment. */
static bool cached_is_wanted(const RunOptions *options, const SprScript *script) {
        if (options->packages.n_items > 0)
                return true;
        return options->script_deps && script && spr_script_get_dependency(script, 0);
}

int run_environment_find_python(const RunEnvironment *environment, char **pythonp, Fault *fault) {
        _cleanup_(spr_script_freep) SprScript *script = NULL;
        _cleanup_(freep) char *base = NULL, *cached = NULL;
        char **chosenp = &base;
        int r;

        r = options_check(environment->options, fault);
        if (r)
                return r;
        r = script_read(environment->input, &script, fault);
        if (r)
                return r;
        r = base_find(environment, &base, fault);
        if (r)
                return r;

        if (cached_is_wanted(environment->options, script)) {
                r = cached_ensure(environment, script, base, &cached, fault);
                if (r)
                        return r;
                chosenp = &cached;
        }
        if (script) {
                r = script_check(environment, script, *chosenp, fault);
                if (r)
                        return r;
        }
        *pythonp = take_ptr(chosenp);
        return 0;
}
