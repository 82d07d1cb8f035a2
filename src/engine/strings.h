#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Strings: a growable list of owned strings that is always NULL-terminated
 *
 * So it can be handed to posix_spawn() as argv or environment. Used by everything in this layer
 * that prepares a helper program or handles a set of packages.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/attr.h"

typedef struct Strings Strings;

struct Strings {
        char **items; /* owned, n_items of them and a NULL; NULL while empty */
        size_t n_items;
        size_t capacity;
};

#define STRINGS_NULL                                                                               \
        (Strings) {                                                                                \
                .items = NULL                                                                      \
        }

void strings_deinit(Strings *strings);
/* Each copies; 0 or -ENOMEM, and on failure nothing was added. */
int strings_add(Strings *strings, const char *string);
int strings_addf(Strings *strings, const char *format, ...) _printf_(2, 3);
/* @array is NULL-terminated, or NULL for an empty one. */
int strings_add_array(Strings *strings, const char *const *array);
/* Takes ownership of @string, also on failure. */
int strings_add_consume(Strings *strings, char *string);
void strings_remove(Strings *strings, size_t index);
/* By bytes, not by locale. */
void strings_sort(Strings *strings);
bool strings_contain(const Strings *strings, const char *string);

/* The list as an argv: never NULL. */
static inline const char *const *strings_array(const Strings *strings) {
        static const char *const empty[] = {NULL};

        return strings->items ? (const char *const *)strings->items : empty;
}

static inline void strings_deinitp(Strings *strings) {
        strings_deinit(strings);
}
