/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "agent/imports.h"

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

static void imports_learn_one(Imports *imports, const char *name) {
        for (size_t i = 0; i < imports->n; ++i)
                if (!strcmp(imports->items[i].name, name)) {
                        ++imports->items[i].n_runs;
                        return;
                }
        if (imports->n == IMPORTS_MAX)
                return;
        (void)stpcpy(imports->items[imports->n].name, name); /* its length is checked */
        imports->items[imports->n++].n_runs = 1;
}

void imports_learn(Imports *imports, const uint8_t *names, size_t length) {
        const char *at = (const char *)names, *end = at + length;

        while (at < end) {
                size_t n = strnlen(at, (size_t)(end - at));

                if (at + n == end) /* its NUL is missing */
                        return;
                if (import_is_name(at, n))
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

void imports_settle(Imports *imports, ImportState state) {
        for (size_t i = 0; i < imports->n; ++i)
                if (imports->items[i].state == IMPORT_TRIED)
                        imports->items[i].state = state;
}
