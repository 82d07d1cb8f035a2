/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/work-dir.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/credentials.h"

#define WORK_DIR_TEMPLATE "/tmp/spr-run-XXXXXX"
#define WORK_DIR_OPEN_MAX 16 /* descriptors nftw may use */

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
                work_dir_deinit(&new);
                return r;
        }
        *directory = new;
        return 0;
}

static int work_dir_remove_one(const char *path,
                               const struct stat *info _unused_,
                               int type,
                               struct FTW *at _unused_) {
        if (type == FTW_DNR) /* the run made it unreadable: FTW_DEPTH reports it once more as is */
                (void)chmod(path, 0700);
        (void)remove(path); /* what cannot be removed is not worth failing the run */
        return 0;
}

void work_dir_deinit(WorkDir *directory) {
        if (directory->path[0])
                (void)nftw(directory->path, work_dir_remove_one, WORK_DIR_OPEN_MAX,
                           FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        (void)fd_close(directory->fd);
        *directory = WORK_DIR_NULL;
}
