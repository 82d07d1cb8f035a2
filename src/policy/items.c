/* SPDX-License-Identifier: MIT */
/*
 * Paths are normalised only as far as that needs no look at the file system: "/a/../b" may lie
 * elsewhere than "/b" where /a is a link, so ".." is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/items.h"
#include "policy/names.h"

#define STRINGIFY(value) #value
#define NUMBER(value)    STRINGIFY(value)

/* Copies @path component by component. Returns what is wrong with it, or NULL. */
static const char *path_normalise(const Text *path, char out[static POLICY_PATH_MAX + 1]) {
        const char *at = path->bytes, *end = path->bytes + path->length;
        size_t used = 0;

        if (path->length == 0 || *at != '/')
                return "is not absolute";
        if (path->length > POLICY_PATH_MAX)
                return "is longer than " NUMBER(POLICY_PATH_MAX) " bytes";
        if (memchr(at, '\0', path->length))
                return "holds a NUL";
        while (at < end) {
                const char *slash = memchr(at, '/', (size_t)(end - at));
                size_t n = (size_t)((slash ? slash : end) - at);

                if (n == 2 && memcmp(at, "..", 2) == 0)
                        return "holds '..'";
                if (n > 0 && !(n == 1 && *at == '.')) {
                        out[used++] = '/';
                        memcpy(out + used, at, n);
                        used += n;
                }
                at += n + 1;
        }
        out[used] = '\0';
        return used > 0 ? NULL : "is the whole file system";
}

int items_add_path(StringList *paths,
                   const Text *path,
                   const char *key,
                   const Place *place,
                   Failure *failure) {
        char normal[POLICY_PATH_MAX + 1], quoted[QUOTE_MAX];
        const char *fault = path_normalise(path, normal);

        if (fault)
                return policy_complain(failure, place, "'%s' holds '%s', which %s", key,
                                       policy_quote(quoted, path->bytes, path->length), fault);
        if (string_list_contains(paths, normal, strlen(normal)))
                return 0;
        if (paths->n_items == POLICY_PATHS_MAX)
                return policy_complain(failure, place, "'%s' holds more than %d paths", key,
                                       POLICY_PATHS_MAX);
        return string_list_add(paths, normal, strlen(normal));
}

/* The place in @variables of the one called @name; NULL where there is none. */
static char **variables_find(const StringList *variables, const Text *name) {
        if (memchr(name->bytes, '=', name->length))
                return NULL;
        for (size_t i = 0; i < variables->n_items; ++i)
                if (strncmp(variables->items[i], name->bytes, name->length) == 0 &&
                    variables->items[i][name->length] == '=')
                        return &variables->items[i];
        return NULL;
}

bool items_has_variable(const StringList *variables, const Text *name) {
        return variables_find(variables, name) != NULL;
}

/* Whether all would fit if @variable took the place of @old, which may be NULL. */
static bool variables_fit(const StringList *variables, const char *variable, const char *old) {
        size_t total = strlen(variable);

        for (size_t i = 0; i < variables->n_items; ++i)
                if (variables->items[i] != old)
                        total += strlen(variables->items[i]);
        return total <= POLICY_ENV_MAX;
}

static int variables_put(StringList *variables,
                         const Text *name,
                         const char *variable,
                         const char *key,
                         const Place *place,
                         Failure *failure) {
        char **oldp = variables_find(variables, name);
        char *copy;

        if (!oldp && variables->n_items == POLICY_VARIABLES_MAX)
                return policy_complain(failure, place, "'%s' sets more than %d variables", key,
                                       POLICY_VARIABLES_MAX);
        if (!variables_fit(variables, variable, oldp ? *oldp : NULL))
                return policy_complain(failure, place, "'%s' is larger than %d bytes", key,
                                       POLICY_ENV_MAX);
        if (!oldp)
                return string_list_add(variables, variable, strlen(variable));
        copy = strdup(variable);
        if (!copy)
                return -ENOMEM;
        free(*oldp);
        *oldp = copy;
        return 0;
}

int items_set_variable(StringList *variables,
                       const Text *name,
                       const Text *value,
                       const char *key,
                       const Place *place,
                       Failure *failure) {
        const char *fault = name_fault(name->bytes, name->length, NAME_VARIABLE);
        _cleanup_(freep) char *variable = NULL;
        char quoted[QUOTE_MAX];

        policy_quote(quoted, name->bytes, name->length);
        if (fault)
                return policy_complain(failure, place, "'%s' sets '%s', which %s", key, quoted,
                                       fault);
        if (memchr(value->bytes, '\0', value->length))
                return policy_complain(failure, place, "'%s' sets '%s' to what holds a NUL", key,
                                       quoted);
        if (value->length > POLICY_ENV_MAX)
                return policy_complain(failure, place, "'%s' is larger than %d bytes", key,
                                       POLICY_ENV_MAX);
        if (asprintf(&variable, "%.*s=%.*s", (int)name->length, name->bytes, (int)value->length,
                     value->bytes) < 0) {
                variable = NULL;
                return -ENOMEM;
        }
        return variables_put(variables, name, variable, key, place, failure);
}
