#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Spawn: a child process that leads a session of its own, with the descriptors it is given and no
 * other, no signal blocked or ignored
 *
 * Host process, which may have any number of threads: posix_spawn(3), never fork(2).
 */
#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/failure.h"

typedef struct SpawnOrder SpawnOrder;

#define SPAWN_FDS_MAX 4
#define SPAWN_FD_KEPT (-1) /* the child's is the host's of that number */

struct SpawnOrder {
        const char *program; /* a path, or a name that is looked up in PATH */
        char *const *argv, *const *environment;
        int fds[SPAWN_FDS_MAX]; /* fds[i] becomes the child's descriptor i; one may come twice */
        size_t n_fds;           /* from here on all are closed */
};

/* Returns 0 or -errno. */
int spawn_session(const SpawnOrder *order, pid_t *pidp);

/* Whose fault that errno is: descriptors are ours to have, and a number beyond their limit is none.
 */
static inline FailureStage spawn_stage_of(int r) {
        return r == -EMFILE || r == -ENFILE || r == -EBADF ? FAILURE_STAGE_RESOURCES
                                                           : FAILURE_STAGE_AGENT;
}
