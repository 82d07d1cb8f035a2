#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Corpora: small files that a parser must take (y_*) or refuse (n_*)
 *
 * CORPUS is the directory tests/unit/corpus; the build defines it. Include after cmocka.h.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"

typedef void (*CorpusFn)(const char *name, const char *text, size_t length, bool wanted);

static inline void corpus_file(const char *path, const char *name, CorpusFn fn) {
        char text[16384];
        FILE *file = fopen(path, "re");
        char *exact;
        size_t length;

        assert_non_null(file);
        length = fread(text, 1, sizeof(text), file);
        assert_true(length < sizeof(text));
        (void)fclose(file);
        /* of its own size, so that reading past the end shows */
        exact = malloc(length ? length : 1);
        assert_non_null(exact);
        memcpy(exact, text, length);
        fn(name, exact, length, name[0] == 'y');
        free(exact);
}

/* Calls @fn for every file of a corpus, at least @expected of them. */
static inline void corpus_each(const char *corpus, size_t expected, CorpusFn fn) {
        char path[4096];
        struct dirent *entry;
        size_t n = 0;
        DIR *directory;

        (void)snprintf(path, sizeof(path), "%s/%s", CORPUS, corpus);
        directory = opendir(path);
        assert_non_null(directory);
        while ((entry = readdir(directory))) {
                if (entry->d_name[0] == '.')
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s/%s", CORPUS, corpus, entry->d_name);
                corpus_file(path, entry->d_name, fn);
                ++n;
        }
        (void)closedir(directory);
        assert_true(n >= expected);
}
