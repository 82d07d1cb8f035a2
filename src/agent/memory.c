/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/memory.h"
#include "base/fd.h"

typedef struct MemoryStatus {
        uint64_t anonymous, shared, tables, resident, high_water; /* bytes */
        uint32_t n_threads;
} MemoryStatus;

static uint64_t memory_field(const char *text, const char *name) {
        const char *at = strstr(text, name);

        return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

static int memory_status_read(int fd, MemoryStatus *status) {
        char text[16384]; /* supplementary groups come first, and there may be many */
        ssize_t n;

        n = pread(fd, text, sizeof(text) - 1, 0);
        if (n <= 0)
                return -ESRCH;
        text[n] = '\0';
        *status = (MemoryStatus){
                .anonymous = memory_field(text, "\nRssAnon:"),
                .shared = memory_field(text, "\nRssShmem:"),
                .tables = memory_field(text, "\nVmPTE:"),
                .resident = memory_field(text, "\nVmRSS:"),
                .high_water = memory_field(text, "\nVmHWM:"),
                .n_threads = (uint32_t)(memory_field(text, "\nThreads:") / 1024), /* no KiB */
        };
        return 0;
}

static uint64_t memory_status_sum(const MemoryStatus *status) {
        return status->anonymous + status->shared + status->tables;
}

long memory_proc_pid(int pidfd) {
        _cleanup_(closep) int fd = -1;
        char path[64], text[512];
        const char *at;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : fd_read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return -1;
        text[n] = '\0';
        at = strstr(text, "\nPid:");
        return at ? strtol(at + 5, NULL, 10) : -1;
}

uint64_t memory_of(long pid, uint32_t *n_threadsp) {
        _cleanup_(closep) int fd = -1;
        MemoryStatus status;
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%ld/status", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        *n_threadsp = 0;
        if (fd < 0 || memory_status_read(fd, &status))
                return 0;
        *n_threadsp = status.n_threads;
        return memory_status_sum(&status);
}

void memory_watch_init(MemoryWatch *watch, int pidfd) {
        MemoryStatus status;
        char path[64];
        long pid;

        *watch = MEMORY_WATCH_NULL;
        pid = memory_proc_pid(pidfd);
        if (pid <= 0)
                return;
        watch->pid = pid;
        (void)snprintf(path, sizeof(path), "/proc/%ld/status", pid);
        watch->status_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (watch->status_fd < 0)
                return;
        if (memory_status_read(watch->status_fd, &status)) {
                memory_watch_deinit(watch);
                return;
        }
        watch->baseline_bytes = memory_status_sum(&status);
        watch->resident_bytes = status.resident;
}

/* The number in stat that is the @index-th behind the name; 0 where there is none. */
static uint64_t stat_field(const char *text, unsigned int index) {
        const char *at = strrchr(text, ')');

        for (unsigned int i = 0; at && i < index; ++i)
                at = strchr(at + 1, ' ');
        return at ? strtoull(at, NULL, 10) : 0;
}

int memory_page_faults(const MemoryWatch *watch, uint64_t *minorp, uint64_t *majorp) {
        _cleanup_(closep) int fd = -1;
        char path[64], text[512];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%ld/stat", watch->pid);
        fd = watch->pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        n = fd < 0 ? -1 : fd_read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return -ESRCH;
        text[n] = '\0';
        *minorp = stat_field(text, 8);
        *majorp = stat_field(text, 10);
        return 0;
}

/* Each fault that needed no disk gave it a page. */
uint64_t memory_own_bytes(const MemoryWatch *watch) {
        uint64_t minor = 0, major;

        if (memory_page_faults(watch, &minor, &major))
                return 0;
        return minor * (uint64_t)sysconf(_SC_PAGESIZE);
}

void memory_watch_deinit(MemoryWatch *watch) {
        watch->status_fd = fd_close(watch->status_fd);
}

uint64_t memory_watch_sample(MemoryWatch *watch) {
        MemoryStatus status;
        uint64_t now, beyond, peak;

        if (watch->status_fd < 0 || memory_status_read(watch->status_fd, &status))
                return 0;
        watch->n_threads = status.n_threads;
        now = memory_status_sum(&status);
        beyond = now > watch->baseline_bytes ? now - watch->baseline_bytes : 0;
        /* what came and went since the last look is in the high-water mark */
        peak = beyond;
        if (status.high_water > status.resident)
                peak += status.high_water - status.resident;
        if (peak > watch->peak_bytes)
                watch->peak_bytes = peak;
        return beyond;
}
