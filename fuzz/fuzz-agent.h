#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * An agent without processes: its host and its zygotes are sockets of the fuzz target
 *
 * Included by one target, since it stands in the place of agent/zygote-process.c.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/environment.h"
#include "agent/requests.h"
#include "agent/run-delivery.h"
#include "agent/zygote-process.h"
#include "base/failure.h"
#include "base/fd.h"

typedef struct FuzzAgent {
        Agent agent;
        int host_fd;   /* the host's end */
        int zygote_fd; /* the other end of the control socket of the last zygote; -1 = none */
        int agent_in_fd, agent_out_fd;
} FuzzAgent;

static FuzzAgent fuzz;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void want(bool condition) {
        if (!condition)
                __builtin_trap();
}

int zygote_process_start(ZygoteProcess *process, const ZygoteOrder *order, Failure *failure) {
        int control[2], words[2];

        want(order->n_preloads == 0 || order->preloads[order->n_preloads - 1]);
        want(order->n_paths == 0 || order->paths[order->n_paths - 1]);
        if (order->python[0] != '/')
                return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOENT, "no '%s'",
                                   order->python);
        want(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control) == 0);
        want(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, words) == 0);
        (void)fd_close(words[1]);
        (void)fd_close(fuzz.zygote_fd);
        fuzz.zygote_fd = control[1];
        *process = (ZygoteProcess){.pid = -1, .control_fd = control[0], .words_fd = words[0]};
        return 0;
}

void zygote_process_kill(ZygoteProcess *process) {
        process->control_fd = fd_close(process->control_fd);
        process->words_fd = fd_close(process->words_fd);
}

static inline void fuzz_agent_open(void) {
        int pair[2];

        (void)signal(SIGPIPE, SIG_IGN); /* as agent_init() has it */
        want(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        /* layers are not tried: that would fork */
        fuzz = (FuzzAgent){
                .agent = {.max_runs = 4,
                          .n_forks_max = UINT32_MAX,
                          .n_zygotes_max = 1,
                          .tried = ~(LayerSet)0},
                .host_fd = pair[0],
                .zygote_fd = -1,
                .agent_in_fd = pair[1],
                .agent_out_fd = dup(pair[1]),
        };
        list_init(&fuzz.agent.environments);
        list_init(&fuzz.agent.delivering);
        list_init(&fuzz.agent.cleaning);
        for (size_t i = 0; i < AGENT_BUCKETS; ++i)
                list_init(&fuzz.agent.runs[i]), list_init(&fuzz.agent.workers[i]);
        want(loop_init(&fuzz.agent.loop, NULL) == 0);
        want(link_init(&fuzz.agent.link, &fuzz.agent.loop, fuzz.agent_in_fd, fuzz.agent_out_fd,
                       requests_handle, NULL) == 0);
}

/* One turn of agent_loop(), but for the clock. */
static inline void fuzz_agent_turn(void) {
        (void)loop_run_once(&fuzz.agent.loop, 0);
        list_for_each(link, &fuzz.agent.delivering)(void)
                run_deliver_one(container_of(link, Run, delivering));
        list_for_each(link, &fuzz.agent.environments)(void)
                environment_tend(container_of(link, Environment, link), clock_now_ns());
        link_flush(&fuzz.agent.link);
}

static inline void fuzz_agent_close(void) {
        /* where it claims a pid namespace, it does not look for orphans among our children */
        fuzz.agent.nest.pid_namespace = true;
        agent_deinit(&fuzz.agent);
        want(fuzz.agent.n_runs == 0 && fuzz.agent.n_workers == 0);
        (void)fd_close(fuzz.agent.loop.epoll_fd);
        (void)fd_close(fuzz.agent_in_fd);
        (void)fd_close(fuzz.agent_out_fd);
        (void)fd_close(fuzz.host_fd);
        (void)fd_close(fuzz.zygote_fd);
}
