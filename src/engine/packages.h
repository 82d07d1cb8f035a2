#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Packages: the set of requirements that an environment is to hold
 *
 * A requirement is "name", "name[extra,…]" and a version specifier (PEP 508), never a URL, a path
 * or an option: what stands in a set can be put into an installer's argv as it is. Pinned means
 * exactly one version, "name==version".
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "engine/strings.h"

typedef struct Requirement Requirement;

#define PACKAGES_MAX         1024
#define REQUIREMENT_TEXT_MAX 512

struct Requirement {
        char name[REQUIREMENT_TEXT_MAX];   /* normalised (PEP 503): lower case, "-" between words */
        char extras[REQUIREMENT_TEXT_MAX]; /* "a,b", normalised and sorted; or "" */
        char specifier[REQUIREMENT_TEXT_MAX]; /* "==1.2" without blanks; or "" */
        char marker[REQUIREMENT_TEXT_MAX];    /* what follows ";", as it is; or "" */
};

/* Reads one requirement; -EINVAL, with words, where it is none that we accept. */
int requirement_parse(Requirement *requirement, const char *text, Failure *failure);
/* The version of "==version"; NULL where it is not pinned (also "==1.*", "===", a marker). */
const char *requirement_pinned_version(const Requirement *requirement);
/* "name[extras]specifier; marker"; free with free(), NULL on out of memory. */
char *requirement_format(const Requirement *requirement);

/* Adds to a set, in canonical form; one that is there already is not added again. The words of
 * packages_add_pinned() hold "pinned". */
int packages_add_pinned(Strings *packages, const char *text, Failure *failure);
int packages_add_requirement(Strings *packages, const char *text, Failure *failure);
/* Is every item of @packages in @installed? */
bool packages_are_among(const Strings *packages, const Strings *installed);
/* FNV-1a over @seed and the items, each with its NUL; for file names, not for security. The items
 * are taken in their order: sort first. */
uint64_t packages_hash(const Strings *packages, const char *seed);
