/* SPDX-License-Identifier: MIT */
/*
 * The tree is hostile: deeper than any path or stack, changing while it is read, with directories
 * that say they may not be read. A walk holds one descriptor and one small buffer a level. Below
 * the last level, directories are put aside, to be walked when the levels above are done; who fills
 * that list, too, has more than is looked through, and so too much.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/disk-watch.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/fd.h"

#define DISK_WATCH_LOOK_NS  NSEC_PER_MSEC
#define DISK_WATCH_PAUSE_NS (10 * NSEC_PER_MSEC) /* between two looks, at the least */
#define DISK_WATCH_SHARE    10 /* of its time, the agent looks one part in so many */
#define DISK_WATCH_STRIDE   64 /* entries between two questions for the time */
#define DISK_WALK_LEVELS    32
#define DISK_WALK_ASIDE     8
#define DISK_WALK_BUFFER    2048
/* Passes under way, all runs together: each holds descriptors. One more is walked to its end. */
#define DISK_WALKS_MAX 8

/* As getdents64(2) writes it. */
typedef struct DirectoryEntry {
        uint64_t inode;
        int64_t offset;
        uint16_t length;
        uint8_t type;
        char name[];
} DirectoryEntry;

typedef struct DiskLevel {
        int fd;
        size_t at, end; /* in the buffer */
        _Alignas(DirectoryEntry) char buffer[DISK_WALK_BUFFER];
} DiskLevel;

struct DiskWalk {
        uint64_t n_bytes, n_files;
        uint64_t max_bytes, max_files;
        size_t n_levels, n_aside;
        int aside[DISK_WALK_ASIDE];
        DiskLevel levels[DISK_WALK_LEVELS];
};

static unsigned int n_walks;

static DiskWalk *disk_walk_free(DiskWalk *walk) {
        if (!walk)
                return NULL;
        for (size_t i = 0; i < walk->n_levels; ++i)
                (void)fd_close(walk->levels[i].fd);
        for (size_t i = 0; i < walk->n_aside; ++i)
                (void)fd_close(walk->aside[i]);
        free(walk);
        --n_walks;
        return NULL;
}

static void disk_walk_push(DiskWalk *walk, int fd) {
        DiskLevel *level = &walk->levels[walk->n_levels++];

        level->fd = fd;
        level->at = level->end = 0;
}

/* Whatever its mode is: what its owner cannot list its owner can still fill. */
static int disk_walk_open(int parent_fd, const char *name) {
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int fd;

        fd = openat(parent_fd, name, flags);
        if (fd >= 0 || errno != EACCES)
                return fd;
        (void)fchmodat(parent_fd, name, 0700, AT_SYMLINK_NOFOLLOW); /* else the open says why */
        return openat(parent_fd, name, flags);
}

static DiskWalk *disk_walk_new(int top_fd, uint64_t max_bytes, uint64_t max_files) {
        DiskWalk *walk = malloc(sizeof(*walk)); /* its buffers are written before they are read */
        int fd;

        if (!walk)
                return NULL;
        fd = disk_walk_open(top_fd, ".");
        if (fd < 0) {
                free(walk);
                return NULL;
        }
        walk->n_bytes = walk->n_files = 0;
        walk->max_bytes = max_bytes;
        walk->max_files = max_files;
        walk->n_levels = walk->n_aside = 0;
        disk_walk_push(walk, fd);
        ++n_walks;
        return walk;
}

static bool disk_walk_exceeds(const DiskWalk *walk) {
        return walk->n_bytes > walk->max_bytes || walk->n_files > walk->max_files;
}

static void disk_walk_enter(DiskWalk *walk, int parent_fd, const char *name) {
        int fd = disk_walk_open(parent_fd, name);

        if (fd < 0)
                return; /* it is gone, or no directory any more */
        if (walk->n_levels < DISK_WALK_LEVELS) {
                disk_walk_push(walk, fd);
        } else if (walk->n_aside < DISK_WALK_ASIDE) {
                walk->aside[walk->n_aside++] = fd;
        } else {
                (void)fd_close(fd);
                walk->n_files = UINT64_MAX;
        }
}

/* Blocks, since a file may have holes; but some file systems take more than it needs, ahead. Each
 * of its names has a part of it. */
static uint64_t disk_walk_size(const struct stat *info) {
        uint64_t page = 4096, blocks = (uint64_t)info->st_blocks * 512;
        uint64_t length = ((uint64_t)info->st_size + page - 1) / page * page;

        return min_u64(blocks, length) / max_u64(info->st_nlink, 1);
}

static void disk_walk_count(DiskWalk *walk, int parent_fd, const char *name) {
        struct stat info;

        if (!strcmp(name, ".") || !strcmp(name, "..") ||
            fstatat(parent_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        ++walk->n_files;
        if (S_ISDIR(info.st_mode))
                disk_walk_enter(walk, parent_fd, name);
        else
                walk->n_bytes += disk_walk_size(&info);
}

/* The next entry of the level, or none at its end. */
static const char *disk_level_next(DiskLevel *level) {
        const DirectoryEntry *entry;

        if (level->at == level->end) {
                long n = syscall(SYS_getdents64, level->fd, level->buffer, sizeof(level->buffer));

                if (n <= 0)
                        return NULL;
                level->at = 0;
                level->end = (size_t)n;
        }
        entry = (const DirectoryEntry *)(const void *)(level->buffer + level->at);
        level->at += entry->length;
        return entry->name;
}

/* One entry. Returns false at the end of the pass. */
static bool disk_walk_step(DiskWalk *walk) {
        DiskLevel *level = &walk->levels[walk->n_levels - 1];
        const char *name = disk_level_next(level);

        if (name) {
                disk_walk_count(walk, level->fd, name);
                return !disk_walk_exceeds(walk);
        }
        (void)fd_close(level->fd);
        --walk->n_levels;
        if (walk->n_levels == 0 && walk->n_aside > 0)
                disk_walk_push(walk, walk->aside[--walk->n_aside]);
        return walk->n_levels > 0;
}

/* Of the processor: code that keeps all of them busy would else make each look a short one. */
static uint64_t disk_walk_time_ns(void) {
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* Returns whether the pass is over. */
static bool disk_walk_go_on(DiskWalk *walk, uint64_t until_ns) {
        for (unsigned int i = 1; disk_walk_step(walk); ++i)
                if (i % DISK_WATCH_STRIDE == 0 && n_walks <= DISK_WALKS_MAX &&
                    disk_walk_time_ns() >= until_ns)
                        return false;
        return true;
}

bool disk_watch_look(
        DiskWatch *watch, int top_fd, uint64_t max_bytes, uint64_t max_files, uint32_t n_watches) {
        uint64_t begin_ns, pause_ns;
        bool twice = false;

        if (clock_now_ns() < watch->due_ns)
                return false;
        begin_ns = disk_walk_time_ns();
        if (!watch->walk)
                watch->walk = disk_walk_new(top_fd, max_bytes, max_files);
        if (watch->walk && disk_walk_go_on(watch->walk, begin_ns + DISK_WATCH_LOOK_NS)) {
                bool exceeds = disk_walk_exceeds(watch->walk);

                twice = exceeds && watch->exceeded;
                watch->exceeded = exceeds;
                watch->walk = disk_walk_free(watch->walk);
        }
        pause_ns = (disk_walk_time_ns() - begin_ns) * DISK_WATCH_SHARE * max_u64(n_watches, 1);
        watch->due_ns = clock_now_ns() + max_u64(pause_ns, DISK_WATCH_PAUSE_NS);
        return twice;
}

void disk_watch_deinit(DiskWatch *watch) {
        watch->walk = disk_walk_free(watch->walk);
}
