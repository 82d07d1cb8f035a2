#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Spawn: from a request of the agent to a confined worker that waits for its job
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/warmup.h"

typedef struct Failure Failure;
typedef struct SpawnRequest SpawnRequest;
typedef struct ZygoteSpawnFrame ZygoteSpawnFrame;

/* The descriptors of a ZYGOTE_SPAWN, in the order of the message. */
enum {
        SPAWN_FD_SOCKET,
        SPAWN_FD_STDOUT,
        SPAWN_FD_STDERR,
        SPAWN_FD_REGION,
        SPAWN_FD_WORK_DIR,
        SPAWN_FD_INIT, /* only with SPAWN_FLAG_PIDNS */
        _SPAWN_FD_N,
};

struct SpawnRequest {
        uint64_t run_id;
        const ZygoteSpawnFrame *frame;
        int fds[_SPAWN_FD_N]; /* owned by the caller */
        size_t n_fds;
        int self_pidfd; /* the zygote's own, to come back from the run's pid namespace */
};

/* Forks one worker; the parent gets its pid. */
int spawn_worker(const WarmZygote *zygote,
                 const SpawnRequest *request,
                 pid_t *pidp,
                 Failure *failure);
