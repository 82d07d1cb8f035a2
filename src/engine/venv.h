#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Venv: make a virtual environment with a set of packages, once
 *
 * Host process, blocking. Safe between threads and processes; an attempt that was broken off at any
 * point is repaired by the next one. A venv that its user made is used as it is: nothing is written
 * to it unless packages are asked for that it was not asked for before.
 */
#include <stdbool.h>

#include "base/failure.h"
#include "engine/command.h"
#include "engine/installer.h"
#include "engine/strings.h"

typedef struct VenvOptions VenvOptions;

enum {
        _VENV_E_SUCCESS,
        VENV_E_INTERPRETER, /* none to build on */
        VENV_E_FAILED,      /* the venv or its packages could not be made */
        VENV_E_INTERRUPTED, /* SIGINT ended the installer, or a handler ran while we waited */
};

struct VenvOptions {
        const char *directory;
        InstallerManager manager;
        const char *python;             /* NULL: "python3" */
        const char *search_path;        /* NULL: ENVIRONMENT_SEARCH_PATH */
        const char *const *environment; /* an envp for the installers; NULL: only PATH */
        const Strings *packages;        /* canonical (packages.h), any order */
        bool allow_sdist;
        CommandLineFn progress; /* NULL: nobody listens */
        void *userdata;
};

/* *pythonp receives the absolute path of the venv's interpreter; free with free(). VENV_E_* come
 * with words too. */
int venv_ensure(const VenvOptions *options, char **pythonp, Failure *failure);
