/* SPDX-License-Identifier: MIT */
/*
 * The public side of venvs: options that own their texts, and the errors of src/engine/venv.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/environment-error.h"
#include "client/error.h"
#include "engine/cache.h"
#include "engine/environment.h"
#include "engine/interpreter.h"
#include "engine/packages.h"
#include "engine/venv.h"

struct SprVenvOptions {
        char *directory;
        char *python;
        char *search_path;
        SprVenvManager manager;
        Strings environment;
        Strings packages;
        bool allow_sdist;
        SprProgressFn progress;
        void *userdata;
};

static int text_replace(char **textp, const char *value) {
        char *copy = NULL;

        if (value) {
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
        }
        free(*textp);
        *textp = copy;
        return 0;
}

_public_ int spr_venv_options_new(SprVenvOptions **optionsp) {
        SprVenvOptions *options = calloc(1, sizeof(*options));

        if (!options)
                return -ENOMEM;
        *optionsp = options;
        return 0;
}

_public_ SprVenvOptions *spr_venv_options_free(SprVenvOptions *options) {
        if (!options)
                return NULL;
        free(options->directory);
        free(options->python);
        free(options->search_path);
        strings_deinit(&options->environment);
        strings_deinit(&options->packages);
        free(options);
        return NULL;
}

_public_ int spr_venv_options_set_directory(SprVenvOptions *options, const char *directory) {
        return text_replace(&options->directory, directory);
}

_public_ int spr_venv_options_set_manager(SprVenvOptions *options, SprVenvManager manager) {
        if ((unsigned int)manager > SPR_VENV_MANAGER_PYTHON)
                return SPR_E_INVALID;
        options->manager = manager;
        return 0;
}

_public_ int spr_venv_options_set_python(SprVenvOptions *options, const char *path) {
        return text_replace(&options->python, path);
}

_public_ int spr_venv_options_set_search_path(SprVenvOptions *options, const char *search_path) {
        return text_replace(&options->search_path, search_path);
}

_public_ int
spr_venv_options_add_package(SprVenvOptions *options, const char *package, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = packages_add_pinned(&options->packages, package, &failure);

        return r < 0 ? error_from_failure(error, &failure) : 0;
}

_public_ int spr_venv_options_add_requirement(SprVenvOptions *options,
                                              const char *requirement,
                                              SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = packages_add_requirement(&options->packages, requirement, &failure);

        return r < 0 ? error_from_failure(error, &failure) : 0;
}

_public_ void spr_venv_options_set_allow_sdist(SprVenvOptions *options, bool allow) {
        options->allow_sdist = allow;
}

_public_ int spr_venv_options_set_environment(SprVenvOptions *options,
                                              const char *const *environment) {
        Strings copy = STRINGS_NULL;
        int r = strings_add_array(&copy, environment);

        if (r < 0)
                return r;
        strings_deinit(&options->environment);
        options->environment = copy;
        return 0;
}

_public_ void
spr_venv_options_set_progress(SprVenvOptions *options, SprProgressFn progress, void *userdata) {
        options->progress = progress;
        options->userdata = userdata;
}

static int venv_error(SprError *error, const Failure *failure, int r) {
        switch (r) {
        case 0:
                return 0;
        case VENV_E_INTERPRETER:
                return error_set(error, SPR_E_INTERPRETER, "%s", failure->text);
        case VENV_E_INTERRUPTED:
                return error_set(error, SPR_E_INTERRUPTED, "%s",
                                 failure->text[0] ? failure->text : "interrupted");
        default:
                return environment_error(error, failure);
        }
}

_public_ int spr_venv_ensure(const SprVenvOptions *options, char **pythonp, SprError *error) {
        static const InstallerManager managers[] = {
                [SPR_VENV_MANAGER_AUTO] = INSTALLER_MANAGER_AUTO,
                [SPR_VENV_MANAGER_UV] = INSTALLER_MANAGER_UV,
                [SPR_VENV_MANAGER_PYTHON] = INSTALLER_MANAGER_PYTHON,
        };
        const VenvOptions venv = {
                .directory = options->directory,
                .manager = managers[options->manager],
                .python = options->python,
                .search_path = options->search_path,
                .environment = strings_array(&options->environment),
                .packages = &options->packages,
                .allow_sdist = options->allow_sdist,
                .progress = options->progress,
                .userdata = options->userdata,
        };
        Failure failure = FAILURE_NULL;

        return venv_error(error, &failure, venv_ensure(&venv, pythonp, &failure));
}

_public_ int spr_venv_cache_directory(const SprVenvOptions *options,
                                      const char *cache_root,
                                      char **directoryp,
                                      SprError *error) {
        const InterpreterQuery query = {
                .name = options->python ? options->python : "python3",
                .search_path =
                        options->search_path ? options->search_path : ENVIRONMENT_SEARCH_PATH,
                .environment = strings_array(&options->environment),
        };
        _cleanup_(freep) char *python = NULL;
        Failure failure = FAILURE_NULL;
        int r;

        r = interpreter_find(&query, &python, &failure);
        if (r != 0)
                return venv_error(error, &failure, r > 0 ? VENV_E_INTERPRETER : r);
        r = cache_directory(cache_root, python, &options->packages, options->allow_sdist,
                            directoryp, &failure);
        return venv_error(error, &failure, r);
}

_public_ int spr_find_interpreter(const char *name,
                                  const char *search_path,
                                  const char *const *environment,
                                  char **pathp,
                                  SprError *error) {
        const InterpreterQuery query = {
                .name = name,
                .search_path = search_path,
                .environment = environment,
        };
        Failure failure = FAILURE_NULL;
        int r = interpreter_find(&query, pathp, &failure);

        return venv_error(error, &failure, r > 0 ? VENV_E_INTERPRETER : r);
}
