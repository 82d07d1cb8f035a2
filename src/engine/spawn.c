/* SPDX-License-Identifier: MIT */
/*
 * The child's descriptors are set by dup2(2). A host may itself have been started with some of the
 * first ones closed, so that a descriptor of ours gets such a number; dup2() onto another one would
 * then destroy it before its turn, and onto itself would keep its close-on-exec flag. So all
 * sources are first made to lie above, which leaves neither case.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include "base/attr.h"
#include "base/fd.h"
#include "engine/spawn.h"

typedef struct RaisedFds {
        int fds[SPAWN_FDS_MAX];
} RaisedFds;

#define RAISED_FDS_NULL                                                                            \
        (RaisedFds) {                                                                              \
                .fds = { -1, -1, -1, -1 }                                                          \
        }

static void raised_fds_deinit(RaisedFds *raised) {
        for (size_t i = 0; i < ARRAY_SIZE(raised->fds); i++)
                raised->fds[i] = fd_close(raised->fds[i]);
}

static int fds_raise(RaisedFds *raised, const SpawnOrder *order) {
        for (size_t i = 0; i < order->n_fds; i++) {
                if (order->fds[i] == SPAWN_FD_KEPT)
                        continue;
                raised->fds[i] = fcntl(order->fds[i], F_DUPFD_CLOEXEC, SPAWN_FDS_MAX);
                if (raised->fds[i] < 0) /* EINVAL: no number that high may be had */
                        return errno == EINVAL ? -EMFILE : -errno;
        }
        return 0;
}

/* S-04: no descriptor of the host reaches the child, also not one without close-on-exec. */
static int
actions_fill(posix_spawn_file_actions_t *actions, const RaisedFds *raised, size_t n_fds) {
        int r = 0;

        for (size_t i = 0; i < n_fds && r == 0; i++)
                if (raised->fds[i] >= 0)
                        r = posix_spawn_file_actions_adddup2(actions, raised->fds[i], (int)i);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(actions, (int)n_fds);
        return -r;
}

static int attributes_fill(posix_spawnattr_t *attributes) {
        sigset_t none, all;
        int r;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &all);
        if (r == 0)
                r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID |
                                                                 POSIX_SPAWN_SETSIGMASK |
                                                                 POSIX_SPAWN_SETSIGDEF);
        return -r;
}

static int spawn_raised(const SpawnOrder *order, const RaisedFds *raised, pid_t *pidp) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        r = -posix_spawn_file_actions_init(&actions);
        if (r)
                return r;
        r = -posix_spawnattr_init(&attributes);
        if (r == 0) {
                r = actions_fill(&actions, raised, order->n_fds);
                if (r == 0)
                        r = attributes_fill(&attributes);
                if (r == 0)
                        r = -posix_spawnp(pidp, order->program, &actions, &attributes, order->argv,
                                          order->environment);
                (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&actions);
        return r;
}

int spawn_session(const SpawnOrder *order, pid_t *pidp) {
        _cleanup_(raised_fds_deinit) RaisedFds raised = RAISED_FDS_NULL;
        int r = fds_raise(&raised, order);

        return r ? r : spawn_raised(order, &raised, pidp);
}
