/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "engine/local.h"
#include "engine/spawn.h"

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

static int local_fds_open(LocalFds *fds) {
        int pair[2];

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
        return fd_set_nonblock(fds->host, true);
}

static int local_start(const LocalTarget *target, const LocalFds *fds, pid_t *pidp) {
        char name[] = "spr-agent";
        char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8",
             home[] = "HOME=/";
        char *argv[] = {name, NULL};
        char *environment[] = {path, lang, home, NULL};
        SpawnOrder order = {
                .program = target->agent,
                .argv = argv,
                .environment = environment,
                .fds = {fds->agent, fds->agent, target->debug ? SPAWN_FD_KEPT : fds->null,
                        fds->pidfd},
                .n_fds = fds->pidfd >= 0 ? 4 : 3,
        };

        return spawn_session(&order, pidp);
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
                return failure_errno(failure, spawn_stage_of(r), -r, "cannot run '%s'",
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
