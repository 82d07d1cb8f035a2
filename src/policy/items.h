#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Items: one path or variable, judged and added to the list of its key
 *
 * The same for a file and for a setter; only @place tells them apart. Each returns 0, -EINVAL with
 * words in @failure, or -ENOMEM; the list is unchanged after a failure.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "policy/complain.h"
#include "policy/policy.h"

typedef struct Text Text;

/* Bytes that may hold NULs. */
struct Text {
        const char *bytes;
        size_t length;
};

/* Adds @path without "//", "/." and a "/" at its end; one that is there stays. */
int items_add_path(
        StringList *paths, const Text *path, const char *key, const Place *place, Failure *failure);
bool items_has_variable(const StringList *variables, const Text *name);
/* Replaces a variable of that name. */
int items_set_variable(StringList *variables,
                       const Text *name,
                       const Text *value,
                       const char *key,
                       const Place *place,
                       Failure *failure);
