/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "agent/imports.h"
#include "base/attr.h"

static bool import_is_letter(char c) {
        return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Identifiers with dots between them. */
static bool import_is_name(const char *name, size_t length) {
        bool inside = false; /* an identifier */

        if (length >= IMPORT_NAME_MAX)
                return false;
        for (size_t i = 0; i < length; ++i) {
                bool digit = name[i] >= '0' && name[i] <= '9';

                if (inside && name[i] == '.')
                        inside = false;
                else if (import_is_letter(name[i]) || (inside && digit))
                        inside = true;
                else
                        return false;
        }
        return inside;
}

/* Of the standard library: what does something when it is imported. */
static bool import_is_harmful(const char *name) {
        static const char *const tops[] = {"antigravity", "idlelib", "lib2to3",
                                           "test",        "this",    "turtledemo"};
        size_t top = strcspn(name, ".");

        for (size_t i = 0; i < ARRAY_SIZE(tops); ++i)
                if (strlen(tops[i]) == top && !strncmp(name, tops[i], top))
                        return true;
        return strstr(name, "__main__");
}

/* The place for a new name: a free one, or that of the name which fewest runs wanted. */
static size_t imports_find_place(Imports *imports) {
        size_t place = IMPORTS_MAX;

        if (imports->n < IMPORTS_MAX)
                return imports->n++;
        for (size_t i = 0; i < imports->n; ++i)
                if (imports->items[i].state == IMPORT_SEEN &&
                    (place == IMPORTS_MAX ||
                     imports->items[i].n_runs < imports->items[place].n_runs))
                        place = i;
        return place;
}

static void imports_learn_one(Imports *imports, const char *name) {
        size_t place;

        for (size_t i = 0; i < imports->n; ++i)
                if (!strcmp(imports->items[i].name, name)) {
                        imports->items[i].n_runs +=
                                imports->items[i].last_frame != imports->n_frames;
                        imports->items[i].last_frame = imports->n_frames;
                        return;
                }
        place = imports_find_place(imports);
        if (place == IMPORTS_MAX)
                return;
        (void)stpcpy(imports->items[place].name, name); /* its length is checked */
        imports->items[place].state = IMPORT_SEEN;
        imports->items[place].n_runs = 1;
        imports->items[place].last_frame = imports->n_frames;
}

void imports_learn(Imports *imports, const uint8_t *names, size_t length) {
        const char *at = (const char *)names, *end = at + length;

        ++imports->n_frames;
        while (at < end) {
                size_t n = strnlen(at, (size_t)(end - at));

                if (at + n == end) /* its NUL is missing */
                        return;
                if (import_is_name(at, n) && !import_is_harmful(at))
                        imports_learn_one(imports, at);
                at += n + 1;
        }
}

static bool import_is_news(const Imports *imports, size_t i) {
        return imports->items[i].state == IMPORT_SEEN &&
               imports->items[i].n_runs >= IMPORT_RUNS_MIN;
}

bool imports_have_news(const Imports *imports) {
        for (size_t i = 0; i < imports->n; ++i)
                if (import_is_news(imports, i))
                        return true;
        return false;
}

size_t imports_try(Imports *imports, const char **names, size_t n_max) {
        size_t n = 0;

        for (size_t i = 0; i < imports->n && n < n_max; ++i) {
                if (import_is_news(imports, i))
                        imports->items[i].state = IMPORT_TRIED;
                if (imports->items[i].state == IMPORT_TRIED ||
                    imports->items[i].state == IMPORT_WARM)
                        names[n++] = imports->items[i].name;
        }
        return n;
}

void imports_settle(Imports *imports, ImportState from, ImportState to) {
        for (size_t i = 0; i < imports->n; ++i)
                if (imports->items[i].state == from)
                        imports->items[i].state = to;
}
