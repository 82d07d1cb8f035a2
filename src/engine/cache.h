#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Cache: where the environment of a set of packages lives (spr run --with)
 *
 * <root>/safe-py-runner/envs/<hash of interpreter and packages>. The interpreter counts by what it
 * resolves to and by that file's size and time, so that an upgrade gets a new environment and no
 * process has to be started to learn a version.
 */
#include <stdbool.h>

#include "base/failure.h"
#include "engine/strings.h"

/* @root is XDG_CACHE_HOME or ~/.cache, absolute; @python an absolute path. Makes nothing. Free
 * *directoryp with free(). */
int cache_directory(const char *root,
                    const char *python,
                    const Strings *packages,
                    bool allow_sdist,
                    char **directoryp,
                    Failure *failure);
