#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Installer: how uv, python -m venv and pip are asked to do their work
 *
 * Host process. These run the operator's programs on what the operator asked for; nothing that a
 * model wrote chooses an argument here. Wheels only unless told otherwise, since a source
 * distribution runs its author's code while it builds.
 */
#include <stdbool.h>

#include "base/failure.h"
#include "engine/command.h"
#include "engine/strings.h"

typedef struct Installer Installer;

typedef enum InstallerManager {
        INSTALLER_MANAGER_AUTO, /* uv where it is found, else python */
        INSTALLER_MANAGER_UV,
        INSTALLER_MANAGER_PYTHON,
} InstallerManager;

enum {
        _INSTALLER_E_SUCCESS,
        INSTALLER_E_MISSING,     /* uv, or the venv module, is not installed */
        INSTALLER_E_FAILED,      /* it ran and did not do it; its last words are in the failure */
        INSTALLER_E_INTERRUPTED, /* SIGINT ended it */
};

struct Installer {
        InstallerManager manager; /* never AUTO once initialised */
        char *uv;                 /* its path, where the manager is uv; owned */
        Strings environment;
        bool allow_sdist;
        CommandLineFn line;
        void *userdata;
};

#define INSTALLER_NULL                                                                             \
        (Installer) {                                                                              \
                .manager = INSTALLER_MANAGER_AUTO                                                  \
        }

/* Finds the program for @manager in @search_path (a PATH); @environment is an envp or NULL. */
int installer_init(Installer *installer,
                   InstallerManager manager,
                   const char *search_path,
                   const char *const *environment,
                   Failure *failure);
void installer_deinit(Installer *installer);
/* "uv" or "python" */
const char *installer_name(const Installer *installer);

/* Makes a venv on the interpreter @python in @directory, which exists; all paths are absolute. */
int installer_make_venv(const Installer *installer,
                        const char *python,
                        const char *directory,
                        Failure *failure);
/* Installs into the venv whose interpreter is @python, byte-compiled; with @again also what seems
 * to be there. */
int installer_install(const Installer *installer,
                      const char *python,
                      const Strings *packages,
                      bool again,
                      Failure *failure);

static inline void installer_deinitp(Installer *installer) {
        installer_deinit(installer);
}
