#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Verbs: one row per `spr VERB`
 *
 * Help, did-you-mean and the manual's synopsis come from the rows. A new verb is a file and a row.
 */
#include "cli/context.h"
#include "cli/options.h"

typedef struct Verb Verb;

struct Verb {
        const char *name;
        const char *summary;       /* lower case, no full stop */
        const char *operands;      /* what follows the options in the synopsis */
        const OptionSpec *options; /* NULL where it has none */
        const char *examples;      /* lines; NULL where there are none */
        int (*run)(const CliContext *context, int argc, char **argv);
};

/* Ends with a row without a name. */
extern const Verb verbs[];

/* NULL where there is none of that name. */
const Verb *verb_find(const char *name);
/* Says that there is no such verb, with the likeliest one. Returns the exit status. */
int verb_unknown(const CliContext *context, const char *name);
/* Runs what @argv (without the program's name) asks for. Returns the exit status. */
int verbs_dispatch(const CliContext *context, int argc, char **argv);
