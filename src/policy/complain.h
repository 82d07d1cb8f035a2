#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Complaints: the words in which a policy is refused
 *
 * "policy.toml:3: unknown key 'tiemout': …". What comes from the file is quoted: bounded, without
 * control characters, cut at whole characters, so that the whole always fits a Failure.
 */
#include <stddef.h>

#include "base/attr.h"

typedef struct Failure Failure;
typedef struct Place Place;

#define QUOTE_MAX 72 /* room for a quoted text, its "…" and NUL included */

/* Where in which text something stands. */
struct Place {
        const char *source; /* a file's name, or NULL where there is no file */
        unsigned int line;  /* from 1; 0 = unknown */
};

/* Fills @failure, which may be NULL, and returns -EINVAL. */
int policy_complain(Failure *failure, const Place *place, const char *format, ...) _printf_(3, 4);
/* "cannot open '/etc/spr.toml': No such file or directory"; returns -@code. */
int policy_complain_errno(Failure *failure, int code, const char *action, const char *path);
/* The beginning of @text, fit to be shown. Returns @quoted. */
const char *policy_quote(char quoted[static QUOTE_MAX], const char *text, size_t length);
