#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Imports: the modules that runs of an environment import, and what of them to preload
 *
 * Where the host has asked for it, a module that two runs have imported is preloaded by the next
 * zygote. Names come from workers, and so from the code: each must be a dotted name in ASCII, and
 * the zygote looks for it nowhere but in the interpreter's own path, where all is the operator's.
 * One that cannot be imported there is left out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Imports Imports;

#define IMPORTS_MAX     48
#define IMPORT_NAME_MAX 128 /* with its NUL */
#define IMPORT_RUNS_MIN 2   /* that want it */

typedef enum ImportState {
        IMPORT_SEEN,
        IMPORT_TRIED,   /* by a zygote that starts */
        IMPORT_WARM,    /* by one that has started, which may have left it out */
        IMPORT_REFUSED, /* by one that has not */
} ImportState;

struct Imports {
        struct {
                char name[IMPORT_NAME_MAX];
                uint32_t n_runs;
                ImportState state;
        } items[IMPORTS_MAX];
        size_t n;
};

/* From one run: NUL-terminated names; broken ones are ignored. */
void imports_learn(Imports *imports, const uint8_t *names, size_t length);
/* Whether there is something that no zygote has tried. */
bool imports_have_news(const Imports *imports);
/* For a zygote that is about to start: what to preload, at most @n_max names that live as long as
 * @imports; how many. */
size_t imports_try(Imports *imports, const char **names, size_t n_max);
/* What was tried last is @state from now on. */
void imports_settle(Imports *imports, ImportState state);
