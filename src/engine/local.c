/* SPDX-License-Identifier: MIT */
/*
 * The child's descriptors are set by dup2(2) onto 0 to 3. A host may itself have been started with
 * some of these closed, so that a descriptor of ours gets such a number; dup2() onto another one
 * would then destroy it before its turn, and onto itself would keep its close-on-exec flag. So all
 * sources are first made to lie above 3, which leaves neither case.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "engine/local.h"

#define FIRST_FREE_FD 4 /* above what the agent is given */

typedef struct LocalTransport {
        Transport transport;
        bool debug;
        char agent[];
} LocalTransport;

typedef struct LocalFds {
        int host;  /* our end of the stream */
        int agent; /* the agent's */
        int null;  /* /dev/null */
        int pidfd; /* of this process; -1 = not available */
} LocalFds;

#define LOCAL_FDS_NULL                                                                             \
        (LocalFds) {                                                                               \
                .host = -1, .agent = -1, .null = -1, .pidfd = -1                                   \
        }

static void local_fds_deinit(LocalFds *fds) {
        (void)fd_close(fds->host);
        (void)fd_close(fds->agent);
        (void)fd_close(fds->null);
        (void)fd_close(fds->pidfd);
}

/* Moves a descriptor above the numbers the agent uses. */
static int local_fd_raise(int *fdp) {
        int fd;

        if (*fdp < 0 || *fdp >= FIRST_FREE_FD)
                return 0;
        fd = fcntl(*fdp, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
        if (fd < 0)
                return -errno;
        (void)fd_close(*fdp);
        *fdp = fd;
        return 0;
}

static int local_fds_open(LocalFds *fds) {
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        fds->host = pair[0];
        fds->agent = pair[1];
        fds->null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (fds->null < 0)
                return -errno;
        /* Only descriptors that ran out are an error: where pidfds are denied, the agent sees our
         * end by that of the stream. */
        fds->pidfd = agent_pidfd_open(getpid());
        if (fds->pidfd == -EMFILE || fds->pidfd == -ENFILE)
                return fds->pidfd;
        if (fds->pidfd < 0)
                fds->pidfd = -1;
        r = local_fd_raise(&fds->agent);
        if (!r)
                r = local_fd_raise(&fds->null);
        if (!r)
                r = local_fd_raise(&fds->pidfd);
        return r ? r : fd_set_nonblock(fds->host, true);
}

static int
local_fill_actions(posix_spawn_file_actions_t *actions, const LocalFds *fds, bool debug) {
        int r;

        r = posix_spawn_file_actions_adddup2(actions, fds->agent, STDIN_FILENO);
        if (!r)
                r = posix_spawn_file_actions_adddup2(actions, fds->agent, STDOUT_FILENO);
        if (!r && !debug)
                r = posix_spawn_file_actions_adddup2(actions, fds->null, STDERR_FILENO);
        if (!r && fds->pidfd >= 0)
                r = posix_spawn_file_actions_adddup2(actions, fds->pidfd, 3);
        /* S-04: no descriptor of the host reaches the agent, also not one without close-on-exec */
        if (!r)
                r = posix_spawn_file_actions_addclosefrom_np(actions, fds->pidfd >= 0 ? 4 : 3);
        return -r;
}

static int local_fill_attributes(posix_spawnattr_t *attributes) {
        sigset_t none, all;
        int r;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        r = posix_spawnattr_setsigmask(attributes, &none);
        if (!r)
                r = posix_spawnattr_setsigdefault(attributes, &all);
        if (!r)
                r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID |
                                                                 POSIX_SPAWN_SETSIGMASK |
                                                                 POSIX_SPAWN_SETSIGDEF);
        return -r;
}

static int local_exec(const LocalTarget *target,
                      const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes,
                      pid_t *pidp) {
        char name[] = "spr-agent";
        char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8",
             home[] = "HOME=/";
        char *argv[] = {name, NULL};
        char *envp[] = {path, lang, home, NULL};

        return -posix_spawn(pidp, target->agent, actions, attributes, argv, envp);
}

static int local_start(const LocalTarget *target, const LocalFds *fds, pid_t *pidp) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        r = -posix_spawn_file_actions_init(&actions);
        if (r)
                return r;
        r = -posix_spawnattr_init(&attributes);
        if (!r) {
                r = local_fill_actions(&actions, fds, target->debug);
                if (!r)
                        r = local_fill_attributes(&attributes);
                if (!r)
                        r = local_exec(target, &actions, &attributes, pidp);
                (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&actions);
        return r;
}

int local_spawn(const LocalTarget *target, AgentProcess *process, Failure *failure) {
        _cleanup_(local_fds_deinit) LocalFds fds = LOCAL_FDS_NULL;
        pid_t pid;
        int r;

        /* posix_spawn() learns of a failed exec by sharing memory with the child; where vfork is
         * only played (valgrind, some emulators) it does not. */
        if (access(target->agent, X_OK) < 0)
                return failure_errno(failure, FAILURE_STAGE_AGENT, errno, "cannot run '%s'",
                                     target->agent);
        r = local_fds_open(&fds);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot make the agent's descriptors");
        r = local_start(target, &fds, &pid);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_AGENT, -r, "cannot run '%s'",
                                     target->agent);
        *process = (AgentProcess){
                .stream_fd = take_fd(&fds.host),
                .pidfd = agent_pidfd_open(pid),
                .pid = pid,
        };
        if (process->pidfd < 0)
                process->pidfd = -1;
        return 0;
}

static int local_transport_open(Transport *transport, AgentProcess *process, Failure *failure) {
        LocalTransport *local = (LocalTransport *)transport;
        LocalTarget target = {.agent = local->agent, .debug = local->debug};

        return local_spawn(&target, process, failure);
}

static Transport *local_transport_free(Transport *transport) {
        free(transport);
        return NULL;
}

int local_transport_new(Transport **transportp, const LocalTarget *target) {
        size_t size = strlen(target->agent) + 1;
        LocalTransport *local = malloc(sizeof(*local) + size);

        if (!local)
                return -ENOMEM;
        local->transport = (Transport){.open = local_transport_open, .free = local_transport_free};
        local->debug = target->debug;
        memcpy(local->agent, target->agent, size);
        *transportp = &local->transport;
        return 0;
}
