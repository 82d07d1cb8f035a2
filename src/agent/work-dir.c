/* SPDX-License-Identifier: MIT */
/*
 * What a run leaves in its directory is hostile: trees deeper than any path or stack, directories
 * that nobody may read, symlinks to files of the host, names that mean something elsewhere. So
 * nothing here recurses, forms a path or follows a link. The tree is flattened instead: whatever is
 * a directory and not empty is emptied of files and its subdirectories are moved to the top, until
 * the top is empty. That takes two descriptors and a bounded number of calls per file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/work-dir.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/credentials.h"

#define WORK_DIR_TEMPLATE "/tmp/spr-run-XXXXXX"
#define WORK_DIR_TMP      "/tmp"
#define WORK_DIR_TRIES    1000 /* names at the top that the run took before us */

int work_dir_init(WorkDir *directory, uint32_t uid, Failure *failure) {
        WorkDir new = WORK_DIR_NULL;
        int r;

        memcpy(new.path, WORK_DIR_TEMPLATE, sizeof(WORK_DIR_TEMPLATE));
        if (!mkdtemp(new.path))
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a work directory");
        new.fd = open(new.path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (new.fd < 0 || (uid != UID_STAY && chown(new.path, uid, uid) < 0)) {
                r = failure_errno(failure, FAILURE_STAGE_RESOURCES, errno, "cannot use '%s'",
                                  new.path);
                (void)work_dir_remove(&new, UINT64_MAX);
                return r;
        }
        *directory = new;
        return 0;
}

int work_dir_init_all(WorkDir *directory, Failure *failure) {
        *directory = (WorkDir){
                .fd = open(WORK_DIR_TMP, O_PATH | O_DIRECTORY | O_CLOEXEC),
                .all_of_tmp = true,
        };
        return directory->fd < 0 ? failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                                 "cannot use '%s'", WORK_DIR_TMP)
                                 : 0;
}

/* Moves a subdirectory to the top, under a name that is free. */
static bool work_dir_raise(int parent_fd, const char *name, int top_fd, uint64_t *counter) {
        char free_name[32];

        for (unsigned int tries = 0; tries < WORK_DIR_TRIES; ++tries) {
                (void)snprintf(free_name, sizeof(free_name), ".%llu",
                               (unsigned long long)(*counter)++);
                if (renameat2(parent_fd, name, top_fd, free_name, RENAME_NOREPLACE) == 0)
                        return true;
                if (errno != EEXIST)
                        return false;
        }
        return false;
}

/* Removes one entry, or says that it is a directory with something in it. */
static bool work_dir_unlink(int parent_fd, const char *name) {
        return unlinkat(parent_fd, name, 0) == 0 || unlinkat(parent_fd, name, AT_REMOVEDIR) == 0;
}

static DIR *work_dir_stream(int parent_fd, const char *name) {
        int fd;
        DIR *stream;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        stream = fdopendir(fd);
        if (!stream)
                (void)fd_close(fd);
        return stream;
}

/* Opens a directory of the run whatever its mode is. */
static DIR *work_dir_open(int parent_fd, const char *name) {
        (void)fchmodat(parent_fd, name, 0700, AT_SYMLINK_NOFOLLOW); /* else the open says why */
        return work_dir_stream(parent_fd, name);
}

/* By descriptor: the run may have put something else at its path. The mode of /tmp is not ours. */
static DIR *work_dir_top(const WorkDir *directory) {
        char self[64];

        if (directory->all_of_tmp)
                return work_dir_stream(directory->fd, ".");
        (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", directory->fd);
        (void)chmod(self, 0700);
        return work_dir_open(directory->fd, ".");
}

static bool work_dir_is_dots(const char *name) {
        return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Removes the directory @name of the top, of which the subdirectories become the top's. Returns
 * whether anything has changed. */
static bool work_dir_flatten(int top_fd, const char *name, uint64_t *counter, uint64_t until_ns) {
        struct dirent *entry;
        bool progress = false;
        DIR *stream;

        if (work_dir_unlink(top_fd, name))
                return true;
        stream = work_dir_open(top_fd, name);
        if (!stream)
                return false;
        while ((entry = readdir(stream))) {
                int fd = dirfd(stream);

                if (work_dir_is_dots(entry->d_name))
                        continue;
                if (progress && clock_now_ns() >= until_ns) /* something, however short the time */
                        break;
                if (work_dir_unlink(fd, entry->d_name)) {
                        progress = true;
                        continue;
                }
                /* moving a directory changes its "..", which wants it to be writable */
                (void)fchmodat(fd, entry->d_name, 0700, AT_SYMLINK_NOFOLLOW);
                progress |= work_dir_raise(fd, entry->d_name, top_fd, counter);
        }
        (void)closedir(stream);
        return work_dir_unlink(top_fd, name) || progress;
}

int work_dir_check_all(Failure *failure) {
        DIR *stream = work_dir_stream(AT_FDCWD, WORK_DIR_TMP);
        struct dirent *entry;
        int r = 0;

        if (!stream)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno, "cannot read '%s'",
                                     WORK_DIR_TMP);
        while (r == 0 && (entry = readdir(stream)))
                if (!work_dir_is_dots(entry->d_name))
                        r = failure_set(
                                failure, FAILURE_STAGE_ENVIRONMENT, ENOTEMPTY,
                                "'%s' is not there for runs alone: somebody has '%.128s' in "
                                "it, and it would be emptied",
                                WORK_DIR_TMP, entry->d_name);
        (void)closedir(stream);
        return r;
}

/* What cannot be removed stays, and is not worth failing the run. Returns whether it is done. */
static bool work_dir_empty(DIR *top, uint64_t *counter, uint64_t until_ns) {
        struct dirent *entry;
        bool progress = true;

        while (progress) {
                progress = false;
                rewinddir(top);
                while ((entry = readdir(top))) {
                        if (!work_dir_is_dots(entry->d_name))
                                progress |= work_dir_flatten(dirfd(top), entry->d_name, counter,
                                                             until_ns);
                        if (progress && clock_now_ns() >= until_ns)
                                return false;
                }
        }
        return true;
}

bool work_dir_remove(WorkDir *directory, uint64_t until_ns) {
        DIR *top = directory->fd >= 0 ? work_dir_top(directory) : NULL;
        bool done = true;

        if (top) {
                done = work_dir_empty(top, &directory->counter, until_ns);
                (void)closedir(top);
        }
        if (!done)
                return false;
        if (directory->path[0])
                (void)rmdir(directory->path);
        (void)fd_close(directory->fd);
        *directory = WORK_DIR_NULL;
        return true;
}
