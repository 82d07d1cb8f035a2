#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Schema: the table of the keys a policy has
 *
 * One row per key. What is parsed, checked, copied, freed, written and suggested all follows from
 * the rows, so a new key is a field of Policy, a row here and a paragraph in spr-policy(5).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "policy/names.h"
#include "policy/policy.h"

typedef struct SchemaKey SchemaKey;

typedef enum SchemaType {
        SCHEMA_CHOICE,    /* one of @words; stored as its index, an unsigned int */
        SCHEMA_BOOLEAN,   /* stored as bool */
        SCHEMA_NUMBER,    /* a whole number of units; stored as uint64_t */
        SCHEMA_SECONDS,   /* a number above 0, fractions too; stored as uint64_t nanoseconds */
        SCHEMA_NAMES,     /* a list of names without duplicates; stored as StringList */
        SCHEMA_PATHS,     /* a list of absolute paths without duplicates; stored as StringList */
        SCHEMA_VARIABLES, /* a table of strings; stored as StringList of "NAME=value" */
        SCHEMA_GLOBALS,   /* a table of Python globals; stored as JSON text, char * and size_t */
} SchemaType;

struct SchemaKey {
        const char *name;
        const char *summary; /* one line */
        SchemaType type;
        bool for_worker;          /* the worker enforces it */
        bool or_zero;             /* of seconds: 0 is allowed, and means none */
        size_t offset;            /* of the field in Policy */
        uint64_t unit;            /* what is stored is the number times this */
        uint64_t min, max;        /* of the number */
        uint64_t fallback;        /* the number or index without a file */
        const char *const *words; /* the choices, or the names without a file; NULL-terminated */
        NameSyntax syntax;        /* of the names */
};

#define SCHEMA_KEYS POLICY_KEYS

extern const SchemaKey schema_keys[SCHEMA_KEYS]; /* in the order of their names */

/* NULL where there is no such key. */
const SchemaKey *schema_find(const char *name, size_t length);
/* The key that @name was most likely meant to be, and whether it is near. */
const char *schema_nearest(const char *name, size_t length, bool *nearp);
/* The row of the field at this offset; there must be one. */
const SchemaKey *schema_at(size_t offset);

/* Fields, by their row; the type must fit. */
unsigned int *schema_choice(const SchemaKey *key, Policy *policy);
bool *schema_boolean(const SchemaKey *key, Policy *policy);
uint64_t *schema_number(const SchemaKey *key, Policy *policy);
/* NULL where the field is no list. */
StringList *schema_list(const SchemaKey *key, Policy *policy);

/* Sets numbers and choices to their defaults, and also the lists with @lists; these must be empty.
 * Returns 0 or -ENOMEM. */
int schema_set_defaults(Policy *policy, bool lists);
