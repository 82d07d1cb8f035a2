#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Directory: making, judging and emptying the directory of an environment
 *
 * Paths are the operator's own (options, command line), never something that user code chose.
 */
#include <stdbool.h>

#include "base/failure.h"

enum {
        _DIRECTORY_E_SUCCESS,
        DIRECTORY_E_EXISTS, /* directory_make(): it was there already */
};

/* @path as an absolute path, links not followed, without "/" at its end; NULL on out of memory.
 * A relative path starts at the working directory. Free with free(). */
char *directory_absolute(const char *path);
/* Makes @path (absolute) and what is missing of its parents, mode 0777 less the umask. Returns 0,
 * DIRECTORY_E_EXISTS, or a negative errno with words. */
int directory_make(const char *path, Failure *failure);
/* True where @path holds no entry but @except (NULL-terminated names); false also where it cannot
 * be read. */
bool directory_is_empty(const char *path, const char *const *except);
/* Removes all that is in @path but @except, without following links or crossing mounts. */
int directory_clear(const char *path, const char *const *except, Failure *failure);
