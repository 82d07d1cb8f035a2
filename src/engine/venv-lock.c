/* SPDX-License-Identifier: MIT */
/*
 * A failed attempt removes the directory with the lock in it, and users remove venvs as they like.
 * So whoever got the lock checks that its file is still the one that the name leads to; if not,
 * it was the lock of a directory that is gone, and we begin again.
 *
 * flock() has no timeout. To tell the user that we wait, and to let Ctrl-C through, we ask again
 * every few milliseconds instead of blocking.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/directory.h"
#include "engine/strings.h"
#include "engine/venv-lock.h"

#define LOCK_POLL_NS   (20 * NSEC_PER_MSEC)
#define LOCK_NOTICE_NS NSEC_PER_SEC

typedef struct LockWait {
        const char *directory;
        CommandLineFn line;
        void *userdata;
        uint64_t since_ns;
        bool noticed;
} LockWait;

static void wait_notice(LockWait *wait) {
        char text[COMMAND_LINE_MAX];

        if (wait->noticed || clock_now_ns() - wait->since_ns < LOCK_NOTICE_NS)
                return;
        wait->noticed = true;
        if (!wait->line)
                return;
        (void)snprintf(text, sizeof(text), "waiting for another process that is at work on '%s'",
                       wait->directory);
        wait->line(wait->userdata, text);
}

static int wait_for_lock(LockWait *wait, int fd) {
        const struct timespec pause = {.tv_nsec = LOCK_POLL_NS};

        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno == EINTR)
                        continue;
                if (errno != EWOULDBLOCK)
                        return -errno;
                wait_notice(wait);
                if (nanosleep(&pause, NULL) < 0 && errno == EINTR)
                        return VENV_LOCK_E_INTERRUPTED;
        }
        return 0;
}

static bool lock_is_current(int fd, const char *path) {
        struct stat held, named;

        return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
               held.st_ino == named.st_ino;
}

/* One attempt; -ESTALE where the directory vanished meanwhile. */
static int lock_once(LockWait *wait, const char *path, int *fdp) {
        _cleanup_(closep) int fd = -1;
        int r;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0644);
        if (fd < 0)
                return errno == ENOENT ? -ESTALE : -errno;
        r = wait_for_lock(wait, fd);
        if (r != 0)
                return r;
        if (!lock_is_current(fd, path))
                return -ESTALE;
        *fdp = take_fd(&fd);
        return 0;
}

int venv_lock(const char *directory,
              CommandLineFn line,
              void *userdata,
              bool *createdp,
              int *fdp,
              Failure *failure) {
        _cleanup_(freep) char *path = NULL;
        LockWait wait = {
                .directory = directory,
                .line = line,
                .userdata = userdata,
                .since_ns = clock_now_ns(),
        };
        bool created;
        int r;

        if (asprintf(&path, "%s/%s", directory, VENV_LOCK_NAME) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "cannot lock '%s'",
                                     directory);
        do {
                r = directory_make(directory, failure);
                if (r < 0)
                        return r;
                created = r == 0;
                r = lock_once(&wait, path, fdp);
        } while (r == -ESTALE);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, -r, "cannot lock '%s'",
                                     path);
        if (r == 0)
                *createdp = created;
        return r;
}
