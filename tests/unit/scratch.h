#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Scratch: a directory for one test, with files and programs in it
 *
 * scratch_path() and scratch_read() give out strings that live until the test program ends; a test
 * needs few of them.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "engine/directory.h"
#include "engine/strings.h"

static char scratch_root[64];
static Strings scratch_strings;

static inline int scratch_setup(void **state) {
        (void)state;
        (void)snprintf(scratch_root, sizeof(scratch_root), "/tmp/spr-test-XXXXXX");
        return mkdtemp(scratch_root) ? 0 : -1;
}

static inline int scratch_teardown(void **state) {
        (void)state;
        (void)directory_clear(scratch_root, NULL, NULL);
        strings_deinit(&scratch_strings);
        return rmdir(scratch_root);
}

static inline const char *scratch_keep(char *string) {
        assert_int_equal(strings_add_consume(&scratch_strings, string), 0);
        return scratch_strings.items[scratch_strings.n_items - 1];
}

static inline const char *scratch_path(const char *name) {
        char *path = NULL;

        assert_true(asprintf(&path, "%s/%s", scratch_root, name) > 0);
        return scratch_keep(path);
}

/* Writes a file and the directories it needs; a text that begins with "#!" becomes a program. */
static inline const char *scratch_write(const char *name, const char *text) {
        const char *path = scratch_path(name);
        char *parent = strdup(path);
        FILE *file;

        assert_non_null(parent);
        *strrchr(parent, '/') = '\0';
        assert_true(directory_make(parent, NULL) >= 0);
        free(parent);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, strncmp(text, "#!", 2) == 0 ? 0755 : 0644), 0);
        return path;
}

/* "" where there is none. */
static inline const char *scratch_read(const char *name) {
        FILE *file = fopen(scratch_path(name), "re");
        char text[8192];
        size_t n = 0;

        if (file) {
                n = fread(text, 1, sizeof(text) - 1, file);
                (void)fclose(file);
        }
        text[n] = '\0';
        return scratch_keep(strdup(text));
}

static inline bool scratch_exists(const char *name) {
        struct stat status;

        return lstat(scratch_path(name), &status) == 0;
}
