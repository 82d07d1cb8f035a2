/* SPDX-License-Identifier: MIT */
/*
 * Who moves a file away does not ask. So whoever holds the lock looks whether the path still leads
 * to the file that it has locked. All do so before they write: nothing is appended to a file that
 * was seen moved, and its last line is the one that the new file's first line names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/audit.h"

#define LOCK_PAUSE_NS 100000 /* another writer takes some microseconds */

static const char *audit_name(const Audit *audit) {
        return audit->path ? audit->path : "(descriptor)";
}

static int audit_fail(const Audit *audit, Failure *failure, int code, const char *action) {
        return failure_errno(failure, FAILURE_STAGE_AUDIT, code, "cannot %s the audit log '%.256s'",
                             action, audit_name(audit));
}

/* opening */

/* A description of our own of what @fd stands for. */
static int audit_reopen_fd(int fd, bool regular) {
        char path[64];
        int copy;

        if (!regular) {
                copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        } else {
                (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                copy = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY);
        }
        return copy < 0 ? -errno : copy;
}

static int audit_adopt_consume(Audit *audit, int fd, Failure *failure) {
        _cleanup_(closep) int new_fd = fd;
        struct stat status;

        if (fstat(new_fd, &status) < 0)
                return audit_fail(audit, failure, errno, "open");
        (void)fd_close(audit->fd);
        audit->fd = take_fd(&new_fd);
        audit->regular = S_ISREG(status.st_mode);
        audit->device = status.st_dev;
        audit->inode = status.st_ino;
        audit->known = false;
        return 0;
}

static int audit_open(Audit *audit, Failure *failure) {
        int fd = open(audit->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

        if (fd < 0)
                return audit_fail(audit, failure, errno, "open");
        return audit_adopt_consume(audit, fd, failure);
}

static int audit_open_fd(Audit *audit, int given, Failure *failure) {
        struct stat status;
        int fd;

        if (fstat(given, &status) < 0)
                return audit_fail(audit, failure, errno, "use");
        fd = audit_reopen_fd(given, S_ISREG(status.st_mode));
        if (fd < 0)
                return audit_fail(audit, failure, -fd, "open");
        return audit_adopt_consume(audit, fd, failure);
}

int audit_new(Audit **auditp, const char *path, int fd, Failure *failure) {
        _cleanup_(audit_freep) Audit *audit = calloc(1, sizeof(*audit));
        int r;

        if (audit) {
                audit->fd = -1;
                audit->tip = AUDIT_TIP_NULL;
                audit->path = path ? strdup(path) : NULL;
        }
        if (!audit || (path && !audit->path))
                return failure_lit(failure, FAILURE_STAGE_AUDIT, ENOMEM, "out of memory");
        r = path ? audit_open(audit, failure) : audit_open_fd(audit, fd, failure);
        if (!r)
                r = audit_check(audit, failure);
        if (r)
                return r;
        *auditp = take_ptr(&audit);
        return 0;
}

Audit *audit_free(Audit *audit) {
        if (!audit)
                return NULL;
        free(audit->path);
        (void)fd_close(audit->fd);
        free(audit);
        return NULL;
}

void audit_after_fork(Audit *audit) {
        int fd;

        if (audit->fd < 0)
                return;
        if (!audit->regular) {
                audit->known = false; /* a chain of its own: the parent goes on with the old one */
                return;
        }
        fd = audit_reopen_fd(audit->fd, true);
        audit->fd = fd_close(audit->fd);
        if (fd >= 0)
                (void)audit_adopt_consume(audit, fd, NULL); /* else audit_check() says so */
}

/* locking */

/* The lock is another writer's for microseconds, or for ever if that one was stopped. */
static int audit_lock_file(Audit *audit, Failure *failure) {
        static const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
        uint64_t deadline_ns = clock_now_ns() + AUDIT_LOCK_TIMEOUT_NS;

        while (flock(audit->fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return audit_fail(audit, failure, errno, "lock");
                if (clock_now_ns() >= deadline_ns)
                        return audit_fail(audit, failure, ETIMEDOUT, "lock");
                (void)nanosleep(&pause, NULL);
        }
        return 0;
}

static void audit_unlock(Audit *audit) {
        if (audit->regular)
                (void)flock(audit->fd, LOCK_UN);
}

static bool audit_was_moved(const Audit *audit) {
        struct stat status;

        return audit->path && (stat(audit->path, &status) < 0 || status.st_dev != audit->device ||
                               status.st_ino != audit->inode);
}

/* where the file ends */

/* Reads the last line of a file of @size bytes. */
static int audit_read_tip(Audit *audit, uint64_t size, Failure *failure) {
        _cleanup_(freep) char *text = NULL;
        size_t n = min_u64(size, AUDIT_LINE_MAX);
        const char *start, *why = "is not whole";
        AuditLine line;
        int r;

        text = malloc(n);
        if (!text)
                return audit_fail(audit, failure, ENOMEM, "read");
        r = fd_pread_all(audit->fd, text, n, size - n);
        if (r)
                return audit_fail(audit, failure, -r, "read");
        if (text[n - 1] == '\n') {
                start = memrchr(text, '\n', n - 1);
                start = start ? start + 1 : text;
                if (audit_line_read(&line, start, (size_t)(text + n - 1 - start), &why) == 0) {
                        audit->tip.seq = line.seq + 1;
                        memcpy(audit->tip.previous, line.hash, sizeof(line.hash));
                        return 0;
                }
        }
        return failure_set(failure, FAILURE_STAGE_AUDIT, EINVAL,
                           "cannot go on with the audit log '%.256s': its last line %s; "
                           "`spr audit verify` says more, and a new log begins where this one is "
                           "moved away",
                           audit_name(audit), why);
}

static int audit_append(Audit *audit, JsonWriter *writer, const AuditTip *tip, Failure *failure) {
        size_t length = buffer_length(&writer->buffer);
        ssize_t n;

        if (writer->r)
                return audit_fail(audit, failure, ENOMEM, "write");
        n = fd_write(audit->fd, buffer_bytes(&writer->buffer), length);
        if (n >= 0 && (size_t)n == length) {
                audit->tip = *tip;
                audit->size += length;
                audit->known = true;
                return 0;
        }
        /* or else the next writer finds half a line, and says so */
        if (n > 0 && audit->regular)
                (void)ftruncate(audit->fd, (off_t)audit->size);
        audit->known = audit->known && n <= 0;
        return audit_fail(audit, failure, n < 0 ? (int)-n : ENOSPC, "write");
}

static int audit_append_head(Audit *audit, Failure *failure) {
        _cleanup_(json_writer_deinit) JsonWriter writer;
        AuditTip tip = audit->tip;

        json_writer_init(&writer, AUDIT_LINE_MAX);
        audit_line_write_head(&writer, &tip);
        return audit_append(audit, &writer, &tip, failure);
}

/* Makes sure that the tip is the file's, which others may have moved on. */
static int audit_find_tip(Audit *audit, Failure *failure) {
        struct stat status;
        uint64_t size;
        int r;

        if (!audit->regular)
                return audit->known ? 0 : audit_append_head(audit, failure);
        if (fstat(audit->fd, &status) < 0)
                return audit_fail(audit, failure, errno, "read");
        size = (uint64_t)status.st_size;
        if (audit->known && size == audit->size)
                return 0;
        audit->known = false;
        audit->size = size;
        if (size == 0)
                return audit_append_head(audit, failure);
        r = audit_read_tip(audit, size, failure);
        audit->known = r == 0;
        return r;
}

/* Locks the file that is at the path now, and finds where it ends. */
static int audit_lock(Audit *audit, Failure *failure) {
        int r;

        if (audit->fd < 0)
                return audit_fail(audit, failure, EBADF, "write");
        while (audit->regular) {
                r = audit_lock_file(audit, failure);
                if (r)
                        return r;
                if (!audit_was_moved(audit))
                        break;
                if (audit_find_tip(audit, NULL)) /* of the old file, which nobody writes now */
                        audit->tip = AUDIT_TIP_NULL;
                r = audit_open(audit, failure);
                if (r) {
                        audit_unlock(audit);
                        return r;
                }
        }
        r = audit_find_tip(audit, failure);
        if (r)
                audit_unlock(audit);
        return r;
}

/* writing */

static int audit_append_lost(Audit *audit, Failure *failure) {
        _cleanup_(json_writer_deinit) JsonWriter writer;
        AuditTip tip = audit->tip;
        int r;

        json_writer_init(&writer, AUDIT_LINE_MAX);
        audit_line_write_lost(&writer, &tip, audit->n_lost);
        r = audit_append(audit, &writer, &tip, failure);
        if (!r)
                audit->n_lost = 0;
        return r;
}

int audit_check(Audit *audit, Failure *failure) {
        int r;

        if (audit->fd >= 0 && audit->known && audit->n_lost == 0 && !audit_was_moved(audit))
                return 0;
        r = audit_lock(audit, failure);
        if (r)
                return r;
        if (audit->n_lost > 0)
                r = audit_append_lost(audit, failure);
        audit_unlock(audit);
        return r;
}

static int audit_append_run(Audit *audit,
                            const AuditDigests *digests,
                            const SprResult *result,
                            Failure *failure) {
        _cleanup_(json_writer_deinit) JsonWriter writer;
        AuditTip tip = audit->tip;

        json_writer_init(&writer, AUDIT_LINE_MAX);
        audit_line_write_run(&writer, &tip, digests, result);
        return audit_append(audit, &writer, &tip, failure);
}

int audit_write(Audit *audit,
                const AuditDigests *digests,
                const SprResult *result,
                Failure *failure) {
        int r;

        r = audit_lock(audit, failure);
        if (!r) {
                r = audit_append_run(audit, digests, result, failure);
                audit_unlock(audit);
        }
        if (r)
                ++audit->n_lost;
        return r;
}
