/* SPDX-License-Identifier: MIT */
/*
 * The agent against a host that sends anything, in pieces of any size: frames, the table of
 * requests, the books about environments and runs. Its zygotes are sockets on which nobody speaks.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/environment.h"
#include "agent/requests.h"
#include "agent/run.h"
#include "base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of agent/zygote-process.c. */
int zygote_process_start(ZygoteProcess *process,
                         const char *python,
                         const char *const *preloads,
                         size_t n_preloads,
                         Failure *failure) {
        int control[2];

        if (n_preloads > 0 && !preloads[n_preloads - 1])
                abort();
        if (python[0] != '/')
                return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOENT, "no '%s'", python);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control) < 0)
                abort();
        *process = (ZygoteProcess){.pid = -1, .control_fd = control[0], .words_fd = control[1]};
        return 0;
}

void zygote_process_kill(ZygoteProcess *process) {
        process->control_fd = fd_close(process->control_fd);
        process->words_fd = fd_close(process->words_fd);
}

static void host_says(int fd, Agent *agent, const uint8_t *data, size_t size) {
        static uint8_t answers[65536];

        if (fd_write(fd, data, size) < 0)
                return;
        (void)loop_run_once(&agent->loop, 0);
        link_flush(&agent->link);
        while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
                ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Agent agent;
        int pair[2], out_fd;

        if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return 0;
        /* where it claims a pid namespace, it does not look for orphans among our children */
        agent = (Agent){.max_runs = 4, .nest.pid_namespace = true};
        list_init(&agent.environments);
        list_init(&agent.delivering);
        for (size_t i = 0; i < AGENT_BUCKETS; ++i)
                list_init(&agent.runs[i]);
        out_fd = dup(pair[1]);
        if (loop_init(&agent.loop, NULL) ||
            link_init(&agent.link, &agent.loop, pair[1], out_fd, requests_handle, NULL))
                abort();
        for (size_t at = 1, n; at < size && !agent.link.closed; at += n) {
                n = min_size(size - at, data[0] + 1u);
                host_says(pair[0], &agent, data + at, n);
        }
        agent_deinit(&agent);
        if (agent.n_runs)
                abort();
        (void)fd_close(agent.loop.epoll_fd);
        (void)fd_close(out_fd);
        (void)fd_close(pair[0]);
        (void)fd_close(pair[1]);
        return 0;
}
