#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Spawn: from a request of the agent to a confined worker that waits for its job
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/cgroup.h"
#include "worker/warmup.h"

typedef struct Failure Failure;
typedef struct SpawnRequest SpawnRequest;
typedef struct ZygoteSpawnFrame ZygoteSpawnFrame;

/* The descriptors that every ZYGOTE_SPAWN brings, in the order of the message; after them come
 * those of the cgroup, and those that its flags announce. */
enum {
        SPAWN_FD_SOCKET,
        SPAWN_FD_STDOUT,
        SPAWN_FD_STDERR,
        SPAWN_FD_REGION,
        SPAWN_FD_WORK_DIR,
        _SPAWN_FD_N,
};

#define SPAWN_FDS_MAX (_SPAWN_FD_N + CGROUP_FDS_MAX + 2)
/* Open at a time for one spawn: what came, a ruleset, a copy of each that the worker keeps. */
#define SPAWN_FDS_PEAK (SPAWN_FDS_MAX + 1 + 8)

struct SpawnRequest {
        uint64_t worker_id;
        const ZygoteSpawnFrame *frame;
        int fds[SPAWN_FDS_MAX]; /* owned by the caller */
        size_t n_fds;
        const int *group_fds; /* frame->n_group_fds of them */
        int init_fd;          /* a pidfd; -1 = no pid namespace */
        int proc_fd;          /* -1 = no /proc */
        int self_pidfd;       /* the zygote's own, to come back from the run's pid namespace */
};

/* Finds the descriptors in their order; false where there are not as many as announced. */
bool spawn_request_sort(SpawnRequest *request);
/* Forks one worker; the parent gets its pid. */
int spawn_worker(const WarmZygote *zygote,
                 const SpawnRequest *request,
                 pid_t *pidp,
                 Failure *failure);
