/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/names.h"

#define STRINGIFY(value) #value
#define NUMBER(value)    STRINGIFY(value)

static bool starts_name(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool continues_name(char c) {
        return starts_name(c) || (c >= '0' && c <= '9');
}

static bool is_identifier(const char *name, size_t length) {
        if (length == 0 || !starts_name(name[0]))
                return false;
        for (size_t i = 1; i < length; ++i)
                if (!continues_name(name[i]))
                        return false;
        return true;
}

static bool is_variable(const char *name, size_t length) {
        for (size_t i = 0; i < length; ++i)
                if (name[i] & 0x80)
                        return false;
        return is_identifier(name, length);
}

static bool is_module(const char *name, size_t length) {
        for (;;) {
                const char *point = memchr(name, '.', length);
                size_t part = point ? (size_t)(point - name) : length;

                if (!is_identifier(name, part))
                        return false;
                if (!point)
                        return true;
                name += part + 1;
                length -= part + 1;
        }
}

const char *name_fault(const char *name, size_t length, NameSyntax syntax) {
        if (length == 0)
                return "is empty";
        if (length > POLICY_NAME_MAX)
                return "is longer than " NUMBER(POLICY_NAME_MAX) " bytes";
        if (memchr(name, '\0', length))
                return "holds a NUL";
        if (syntax == NAME_MODULE)
                return is_module(name, length) ? NULL : "is not the name of a module";
        if (syntax == NAME_VARIABLE)
                return is_variable(name, length) ? NULL : "is not the name of a variable";
        return is_identifier(name, length) ? NULL : "is not an identifier";
}

void string_list_deinit(StringList *list) {
        for (size_t i = 0; i < list->n_items; ++i)
                free(list->items[i]);
        free(list->items);
        *list = STRING_LIST_NULL;
}

/* Linear: lists are short, and POLICY_LIST_MAX bounds those that are not. */
bool string_list_contains(const StringList *list, const char *name, size_t length) {
        for (size_t i = 0; i < list->n_items; ++i)
                if (strncmp(list->items[i], name, length) == 0 && !list->items[i][length])
                        return true;
        return false;
}

int string_list_add(StringList *list, const char *name, size_t length) {
        char *copy;

        /* the capacity is the next power of two, so it need not be kept */
        if ((list->n_items & (list->n_items - 1)) == 0) {
                size_t capacity = list->n_items ? list->n_items * 2 : 1;
                char **items = realloc(list->items, capacity * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                list->items = items;
        }
        copy = strndup(name, length);
        if (!copy)
                return -ENOMEM;
        list->items[list->n_items++] = copy;
        return 0;
}

int string_list_dup(StringList *list, const StringList *from) {
        _cleanup_(string_list_deinitp) StringList copy = STRING_LIST_NULL;

        for (size_t i = 0; i < from->n_items; ++i) {
                int r = string_list_add(&copy, from->items[i], strlen(from->items[i]));

                if (r)
                        return r;
        }
        *list = copy;
        copy = STRING_LIST_NULL;
        return 0;
}
