/* SPDX-License-Identifier: MIT */
/*
 * The applying half of the view.
 *
 * The new root is built where nothing of the host can be hidden by it: a tmpfs is mounted on a
 * scratch directory, the process pivots into it with the host's root at /old, binds what the plan
 * names from /old to /new, and pivots once more into /new. Then the host's tree is detached: from
 * here on no path, however formed, leads back to it.
 *
 * Binds are recursive, since the kernel refuses a shallow bind that would uncover something below a
 * locked mount, and made read-only recursively with mount_setattr(2); kernels before 5.12 get the
 * top mount remounted instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/view.h"

/* From linux/mount.h, which does not go together with sys/mount.h on older C libraries. */
#define VIEW_ATTR_RDONLY    UINT64_C(0x1)
#define VIEW_ATTR_NOSUID    UINT64_C(0x2)
#define VIEW_ATTR_NODEV     UINT64_C(0x4)
#define VIEW_AT_RECURSIVE   0x8000u
#define VIEW_MS_NOSYMFOLLOW 256ul

#define VIEW_MOVE_EMPTY_PATH 0x4u /* MOVE_MOUNT_F_EMPTY_PATH: what is moved is a descriptor */

#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

typedef struct ViewMountAttr {
        uint64_t attr_set, attr_clear, propagation, userns_fd;
} ViewMountAttr;

#define VIEW_SCRATCH "/tmp"
/* What a worker mounts over the stash: a directory with nothing in it but the decoy. */
#define VIEW_COVER VIEW_STASH "/cover"

static const struct {
        const char *path, *text;
} synthetic_files[] = {
        {"etc/passwd", "root:x:0:0:root:/:/bin/false\n"
                       "runner:x:1000:1000:runner:/tmp:/bin/sh\n"
                       "nobody:x:65534:65534:nobody:/:/bin/false\n"},
        {"etc/group", "root:x:0:\nrunner:x:1000:\nnogroup:x:65534:\n"},
        {"etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
        {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
        {"etc/os-release", "ID=sandbox\nNAME=\"safe-py-runner sandbox\"\nVERSION_ID=\"1\"\n"},
};

static int view_fail(Failure *failure, const char *action, const char *path) {
        return failure_errno(failure, FAILURE_STAGE_SANDBOX, errno, "%s '%s'", action, path);
}

/* Makes every directory above @path, which is relative or absolute; async-signal-safe. */
static int view_make_parents(const char *path) {
        char prefix[PATH_MAX];
        size_t length = strlen(path);

        if (length >= sizeof(prefix))
                return -ENAMETOOLONG;
        for (size_t i = 1; i < length; ++i) {
                if (path[i] != '/')
                        continue;
                memcpy(prefix, path, i);
                prefix[i] = '\0';
                if (mkdir(prefix, 0755) < 0 && errno != EEXIST)
                        return -errno;
        }
        return 0;
}

static int view_make_file(const char *path, const char *text) {
        _cleanup_(closep) int fd = -1;

        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        return text ? fd_write_all(fd, text, strlen(text)) : 0;
}

/* Makes the place that something of the same kind will be bound on. */
static int view_make_target(const char *path, bool directory) {
        int r;

        r = view_make_parents(path);
        if (r)
                return r;
        if (directory)
                return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
        return view_make_file(path, NULL);
}

static int view_make_read_only(const char *path) {
        ViewMountAttr attr = {.attr_set = VIEW_ATTR_RDONLY | VIEW_ATTR_NOSUID | VIEW_ATTR_NODEV};

        if (syscall(SYS_mount_setattr, AT_FDCWD, path, VIEW_AT_RECURSIVE, &attr, sizeof(attr)) == 0)
                return 0;
        if (errno != ENOSYS)
                return -errno;
        return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
                     NULL)
                       ? -errno
                       : 0;
}

static int view_bind(const char *source, const char *target, bool directory, Failure *failure) {
        int r;

        r = view_make_target(target, directory);
        if (r) {
                errno = -r;
                return view_fail(failure, "cannot make", target);
        }
        if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
                return view_fail(failure, "cannot bind", source);
        return 0;
}

static int view_place_bind(const ViewEntry *entry, const char *at, Failure *failure) {
        char source[PATH_MAX + 8], target[PATH_MAX + 8];
        int r;

        (void)snprintf(source, sizeof(source), "/old%s", entry->path);
        (void)snprintf(target, sizeof(target), "/new%s", at);
        r = view_bind(source, target, entry->directory, failure);
        if (r || entry->kind == VIEW_DEVICE)
                return r;
        r = view_make_read_only(target);
        if (r) {
                errno = -r;
                return view_fail(failure, "cannot make read-only", entry->path);
        }
        return 0;
}

static int view_place_symlink(const ViewEntry *entry, Failure *failure) {
        char path[PATH_MAX + 8];
        int r;

        (void)snprintf(path, sizeof(path), "/new%s", entry->path);
        r = view_make_parents(path);
        if (!r && symlink(entry->target, path) < 0 && errno != EEXIST)
                r = -errno;
        if (r) {
                errno = -r;
                return view_fail(failure, "cannot link", entry->path);
        }
        return 0;
}

/* An empty place that a worker may mount something on. */
static int view_place_empty(const char *path, bool directory, Failure *failure) {
        char target[PATH_MAX + 8];
        int r;

        (void)snprintf(target, sizeof(target), "/new%s", path);
        r = view_make_target(target, directory);
        if (r) {
                errno = -r;
                return view_fail(failure, "cannot make", target);
        }
        return 0;
}

static int view_place(const ViewEntry *entry, Failure *failure) {
        int r;

        if (entry->kind == VIEW_SYMLINK)
                return view_place_symlink(entry, failure);
        if (entry->programs)
                r = view_place_empty(entry->path, entry->directory, failure);
        else
                r = view_place_bind(entry, entry->path, failure);
        if (!r && entry->stash)
                r = view_place_bind(entry, entry->stash, failure);
        return r;
}

/* The host's own, where the plan has it, goes before ours. */
static int view_place_synthetic(Failure *failure) {
        char path[64];

        if (mkdir("/new/etc", 0755) < 0 && errno != EEXIST)
                return view_fail(failure, "cannot make", "/etc");
        for (size_t i = 0; i < ARRAY_SIZE(synthetic_files); ++i) {
                _cleanup_(closep) int fd = -1;
                int r;

                (void)snprintf(path, sizeof(path), "/new/%s", synthetic_files[i].path);
                fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
                if (fd >= 0)
                        continue;
                r = view_make_file(path, synthetic_files[i].text);
                if (r) {
                        errno = -r;
                        return view_fail(failure, "cannot write", path);
                }
        }
        return 0;
}

/* Where workers mount what they ask for, and with what they cover the stash. */
static int view_place_private(Failure *failure) {
        static const struct {
                const char *path;
                bool directory;
        } places[] = {
                {"/proc", true},
                {"/dev/shm", true},
                {VIEW_COVER, true},
                {VIEW_COVER "/decoy", false},
        };
        int r = 0;

        for (size_t i = 0; !r && i < ARRAY_SIZE(places); ++i)
                r = view_place_empty(places[i].path, places[i].directory, failure);
        return r;
}

/* A scratch root with /old (the host) and /new (a mount point of its own). */
static int view_open_scratch(Failure *failure) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", VIEW_SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m") < 0)
                return VIEW_E_REFUSED;
        if (chdir(VIEW_SCRATCH) < 0 || mkdir("old", 0755) < 0 || mkdir("new", 0755) < 0 ||
            syscall(SYS_pivot_root, ".", "old") < 0 || chdir("/") < 0 ||
            mount("/new", "/new", NULL, MS_BIND, NULL) < 0)
                return view_fail(failure, "cannot prepare", VIEW_SCRATCH);
        return 0;
}

static int view_leave_scratch(Failure *failure) {
        if (chdir("/new") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
            umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
                return view_fail(failure, "cannot enter", "/new");
        if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
                return view_fail(failure, "cannot make read-only", "/");
        return 0;
}

int view_plan_apply(ViewPlan *plan, Failure *failure) {
        int r;

        r = view_open_scratch(failure);
        if (r)
                return r;
        if (mkdir("/new/tmp", 0755) < 0 ||
            mount("tmpfs", "/new/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=16m") < 0)
                return view_fail(failure, "cannot make", "/tmp");
        for (size_t i = 0; i < plan->n_entries; ++i) {
                r = view_place(&plan->entries[i], failure);
                if (r)
                        return r;
        }
        r = view_place_synthetic(failure);
        if (!r)
                r = view_place_private(failure);
        if (!r)
                r = view_leave_scratch(failure);
        plan->applied = !r;
        return r;
}

static char *view_format_number(char *end, uint64_t number) {
        do
                *--end = (char)('0' + number % 10);
        while (number /= 10);
        return end;
}

/* "mode=0700,nr_inodes=N,size=N,uid=N,gid=N" without stdio, for use after fork. */
static void view_format_options(char *options, uint64_t bytes, uint32_t uid) {
        const char *const words[] = {"mode=0700,nr_inodes=", ",size=", ",uid=", ",gid="};
        /* size=0 would be no limit at all */
        const uint64_t numbers[] = {VIEW_INODES_MAX, bytes ? bytes : 1, uid, uid};
        size_t n_words = uid == UINT32_MAX ? 2 : 4;
        char digits[24];

        digits[sizeof(digits) - 1] = '\0';
        for (size_t i = 0; i < n_words; ++i) {
                options = stpcpy(options, words[i]);
                options = stpcpy(options,
                                 view_format_number(digits + sizeof(digits) - 1, numbers[i]));
        }
}

/* A tmpfs for what code writes: nothing in it can be executed or lead elsewhere by a link. */
static int view_mount_private(const char *path, uint64_t bytes, uint32_t uid) {
        unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | VIEW_MS_NOSYMFOLLOW;
        char options[128];

        view_format_options(options, bytes, uid);
        return mount("tmpfs", path, "tmpfs", flags, options);
}

static int view_restore_stashes(const ViewPlan *plan, bool programs, Failure *failure) {
        for (size_t i = 0; i < plan->n_entries; ++i) {
                const ViewEntry *entry = &plan->entries[i];

                if (!entry->stash || (entry->programs && !programs))
                        continue;
                if (!entry->programs && view_make_target(entry->path, entry->directory))
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                           "cannot make the environment's place below /tmp");
                if (mount(entry->stash, entry->path, NULL, MS_BIND | MS_REC, NULL) < 0)
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                           entry->programs
                                                   ? "cannot bind the host's programs"
                                                   : "cannot bind the environment below /tmp");
        }
        if (mount(VIEW_COVER, VIEW_STASH, NULL, MS_BIND, NULL) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot cover the stash of the view");
        return 0;
}

int view_enter_private(const ViewPlan *plan, const ViewPrivate *private, Failure *failure) {
        int r;

        if (unshare(CLONE_NEWNS) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot make a mount namespace");
        if (view_mount_private("/tmp", private->disk_bytes, private->uid) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot mount the private /tmp");
        r = view_restore_stashes(plan, private->programs, failure);
        if (r)
                return r;
        if (private->shm_bytes &&
            view_mount_private("/dev/shm", private->shm_bytes, private->uid) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot mount the private /dev/shm");
        if (private->proc_fd >= 0 && syscall(SYS_move_mount, private->proc_fd, "", AT_FDCWD,
                                             "/proc", VIEW_MOVE_EMPTY_PATH) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot mount the private /proc");
        if (chdir("/tmp") < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno, "cannot enter /tmp");
        return 0;
}
