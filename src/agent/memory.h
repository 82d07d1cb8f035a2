#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Memory: how much a worker has beyond the warm interpreter, as the kernel counts it
 *
 * Read from /proc/PID/status through a descriptor that is kept open: anonymous and shared pages
 * and page tables (RssAnon + RssShmem + VmPTE), not mapped files.
 */
#include <stdint.h>

typedef struct MemoryWatch MemoryWatch;

struct MemoryWatch {
        int status_fd; /* -1 = this host has no usable /proc */
        long pid;      /* as that /proc knows it */
        uint64_t baseline_bytes;
        uint64_t resident_bytes; /* with file pages, at the start */
        uint64_t peak_bytes;     /* beyond the baseline, as far as it was seen */
        uint32_t n_threads;      /* when it was last looked at */
};

#define MEMORY_WATCH_NULL                                                                          \
        (MemoryWatch) {                                                                            \
                .status_fd = -1                                                                    \
        }

/* The pid behind a pidfd as our /proc knows it, which may be the one of another pid namespace; not
 * above 0 where it is gone. */
long memory_proc_pid(int pidfd);
/* What a process by that pid has now, in bytes, and the number of its threads; 0 = it is gone. */
uint64_t memory_of(long pid, uint32_t *n_threadsp);

/* Starts at the worker's present size. Never fails: without /proc it sees nothing. */
void memory_watch_init(MemoryWatch *watch, int pidfd);
/* Page faults of the process so far, without and with input: 0, or -ESRCH where they are not known.
 * Costs some microseconds. */
int memory_page_faults(const MemoryWatch *watch, uint64_t *minorp, uint64_t *majorp);
/* What the process has made its own since it was forked, about; 0 = not known. */
uint64_t memory_own_bytes(const MemoryWatch *watch);
void memory_watch_deinit(MemoryWatch *watch);
/* Bytes beyond the baseline now; raises the peak. */
uint64_t memory_watch_sample(MemoryWatch *watch);
