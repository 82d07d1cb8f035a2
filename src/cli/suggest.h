#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Suggestion: "did you mean", over any table of names
 *
 *         Suggestion suggestion = SUGGESTION_INIT("tiemout");
 *         for each name: suggestion_consider(&suggestion, name);
 *         suggestion.best is the nearest name, NULL where none is near enough
 */
#include <stddef.h>

typedef struct Suggestion Suggestion;

struct Suggestion {
        const char *word; /* what was typed */
        const char *best; /* the nearest so far; borrowed */
        size_t distance;  /* of best */
};

#define SUGGESTION_INIT(_word)                                                                     \
        (Suggestion) {                                                                             \
                .word = (_word)                                                                    \
        }

void suggestion_consider(Suggestion *suggestion, const char *candidate);
