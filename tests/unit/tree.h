#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Tree: a temporary directory below /var/tmp or /tmp, with files, directories and links in it
 *
 * A row is a path and what is there: "" a directory, "-" a file, anything else the target of a
 * symlink, in which a leading '@' stands for the tree's own path. Include after cmocka.h.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

typedef struct TreeRow {
        const char *path, *what;
} TreeRow;

static char tree_root[64];

/* A path in the tree; the last eight stay valid. */
static inline const char *tree_path(const char *name) {
        static char paths[8][4096];
        static unsigned int next;
        char *path = paths[next++ % ARRAY_SIZE(paths)];

        (void)snprintf(path, sizeof(paths[0]), "%s%s%s", tree_root, *name ? "/" : "", name);
        return path;
}

static inline void tree_new(const char *parent, const TreeRow *rows, size_t n_rows) {
        (void)snprintf(tree_root, sizeof(tree_root), "%s/spr-test-XXXXXX", parent);
        assert_non_null(mkdtemp(tree_root));
        for (size_t i = 0; i < n_rows; ++i) {
                const char *path = tree_path(rows[i].path), *what = rows[i].what;

                if (!*what) {
                        assert_int_equal(mkdir(path, 0755), 0);
                } else if (*what == '-') {
                        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

                        assert_true(fd >= 0);
                        (void)close(fd);
                } else {
                        if (*what == '@')
                                what = tree_path(what + 1);
                        assert_int_equal(symlink(what, path), 0);
                }
        }
}

static inline int
tree_remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
        (void)info;
        (void)type;
        (void)at;
        return remove(path);
}

static inline void tree_free(void) {
        (void)nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
        tree_root[0] = '\0';
}
