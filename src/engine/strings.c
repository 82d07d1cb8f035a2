/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/strings.h"

void strings_deinit(Strings *strings) {
        for (size_t i = 0; i < strings->n_items; ++i)
                free(strings->items[i]);
        free(strings->items);
        *strings = STRINGS_NULL;
}

int strings_add_consume(Strings *strings, char *string) {
        if (!string)
                return -ENOMEM;
        if (strings->n_items + 1 >= strings->capacity) {
                size_t capacity = strings->capacity ? strings->capacity * 2 : 8;
                char **items = reallocarray(strings->items, capacity, sizeof(*items));

                if (!items) {
                        free(string);
                        return -ENOMEM;
                }
                strings->items = items;
                strings->capacity = capacity;
        }
        strings->items[strings->n_items++] = string;
        strings->items[strings->n_items] = NULL;
        return 0;
}

int strings_add(Strings *strings, const char *string) {
        return strings_add_consume(strings, strdup(string));
}

int strings_addf(Strings *strings, const char *format, ...) {
        char *string = NULL;
        va_list args;
        int n;

        va_start(args, format);
        n = vasprintf(&string, format, args);
        va_end(args);
        return n < 0 ? -ENOMEM : strings_add_consume(strings, string);
}

int strings_add_array(Strings *strings, const char *const *array) {
        size_t n_before = strings->n_items;
        int r = 0;

        for (; array && *array && r == 0; ++array)
                r = strings_add(strings, *array);
        if (r < 0)
                while (strings->n_items > n_before)
                        strings_remove(strings, strings->n_items - 1);
        return r;
}

void strings_remove(Strings *strings, size_t index) {
        free(strings->items[index]);
        /* with the NULL at the end */
        memmove(strings->items + index, strings->items + index + 1,
                (strings->n_items - index) * sizeof(*strings->items));
        --strings->n_items;
}

static int string_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(Strings *strings) {
        if (strings->n_items > 1)
                qsort(strings->items, strings->n_items, sizeof(*strings->items), string_compare);
}

bool strings_contain(const Strings *strings, const char *string) {
        for (size_t i = 0; i < strings->n_items; ++i)
                if (strcmp(strings->items[i], string) == 0)
                        return true;
        return false;
}
