#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * VenvLock: one process at a time makes or fills a venv
 *
 * The lock lies in the directory itself: who may write the venv may lock it, whoever they are, and
 * nobody else can (a name beside it, in /tmp, could be taken by anyone).
 */
#include "base/failure.h"
#include "engine/command.h"

#define VENV_LOCK_NAME ".safe-py-runner.lock"

enum {
        _VENV_LOCK_E_SUCCESS,
        VENV_LOCK_E_INTERRUPTED, /* a signal handler ran while we waited */
};

/* Makes @directory (absolute) where it is missing, and waits for its lock; *created says whether
 * it was we who made it. @line hears about a wait of more than a second. Close *fdp to unlock. */
int venv_lock(const char *directory,
              CommandLineFn line,
              void *userdata,
              bool *createdp,
              int *fdp,
              Failure *failure);
