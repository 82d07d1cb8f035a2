/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/directory.h"
#include "engine/strings.h"

static void dir_closep(DIR **dirp) {
        if (*dirp)
                (void)closedir(*dirp);
}

static void fts_closep(FTS **ftsp) {
        if (*ftsp)
                (void)fts_close(*ftsp);
}

static bool name_is_among(const char *name, const char *const *names) {
        for (; names && *names; ++names)
                if (strcmp(name, *names) == 0)
                        return true;
        return false;
}

char *directory_absolute(const char *path) {
        _cleanup_(freep) char *base = NULL;
        char *absolute = NULL;
        size_t length;

        if (path[0] == '/') {
                absolute = strdup(path);
        } else {
                base = getcwd(NULL, 0);
                if (!base || asprintf(&absolute, "%s/%s", base, path) < 0)
                        return NULL;
        }
        length = absolute ? strlen(absolute) : 0;
        while (length > 1 && absolute[length - 1] == '/')
                absolute[--length] = '\0';
        return absolute;
}

int directory_make(const char *path, Failure *failure) {
        _cleanup_(freep) char *prefix = strdup(path);
        bool made = false;

        if (!prefix)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "cannot make '%s'",
                                     path);
        for (char *end = prefix; end;) {
                end = strchr(end + 1, '/');
                if (end)
                        *end = '\0';
                made = mkdir(prefix, 0777) == 0;
                /* a parent that exists may also answer with EROFS or EACCES: the last one counts */
                if (!made && !end && errno != EEXIST)
                        return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, errno,
                                             "cannot make directory '%s'", path);
                if (end)
                        *end = '/';
        }
        return made ? 0 : DIRECTORY_E_EXISTS;
}

bool directory_is_empty(const char *path, const char *const *except) {
        _cleanup_(dir_closep) DIR *dir = opendir(path);
        const struct dirent *entry;

        if (!dir)
                return false;
        while ((entry = readdir(dir))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (!name_is_among(entry->d_name, except))
                        return false;
        }
        return true;
}

static int entry_remove(FTS *fts, FTSENT *entry, const char *const *except) {
        if (entry->fts_level == 0)
                return 0;
        if (entry->fts_level == 1 && name_is_among(entry->fts_name, except)) {
                (void)fts_set(fts, entry, FTS_SKIP);
                return 0;
        }
        switch (entry->fts_info) {
        case FTS_D:
                return 0; /* on the way back */
        case FTS_DP:
                return rmdir(entry->fts_accpath) < 0 ? -errno : 0;
        case FTS_DNR:
        case FTS_ERR:
        case FTS_NS:
                return entry->fts_errno == ENOENT ? 0 : -entry->fts_errno;
        default:
                return unlink(entry->fts_accpath) < 0 && errno != ENOENT ? -errno : 0;
        }
}

int directory_clear(const char *path, const char *const *except, Failure *failure) {
        _cleanup_(freep) char *root = strdup(path);
        char *roots[] = {root, NULL};
        _cleanup_(fts_closep) FTS *fts = NULL;
        FTSENT *entry;
        int r = 0;

        if (root)
                fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
        if (!fts)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, ENOMEM,
                                     "cannot empty '%s'", path);
        while (r == 0 && (entry = fts_read(fts))) {
                r = entry_remove(fts, entry, except);
                if (r < 0)
                        return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, -r,
                                             "cannot remove '%s'", entry->fts_path);
        }
        return 0;
}
