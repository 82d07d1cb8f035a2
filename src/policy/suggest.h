#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Nearest name: the known name that a misspelt one was meant to be
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

typedef struct NearestName NearestName;

struct NearestName {
        const char *name; /* the nearest one; NULL where there are no names */
        bool near;        /* near enough to ask "did you mean" */
};

/* @names are NUL-terminated and at most SUGGEST_NAME_MAX long; longer ones are passed over. Of two
 * equally near names the first wins. */
#define SUGGEST_NAME_MAX 63
NearestName suggest_nearest(const char *word, size_t length, const char *const *names, size_t n);
