#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Agent process: the child of ours at the other end of a stream, a resource with a destructor
 *
 * It is spr-agent itself, or whatever leads to it (docker, ssh). The process may be absent, where
 * somebody else made the stream. A host may ignore SIGCHLD or reap children that are not its own:
 * both are tolerated.
 */
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

typedef struct AgentProcess AgentProcess;
typedef struct Bootstrap Bootstrap;

#define AGENT_PROCESS_GRACE_NS (UINT64_C(2) * 1000000000)

struct AgentProcess {
        int stream_fd;
        int pidfd;            /* -1 where the kernel or a filter denies pidfds */
        pid_t pid;            /* 0 = no process of ours */
        Bootstrap *bootstrap; /* how the agent comes to the other end; NULL = it is there */
};

#define AGENT_PROCESS_NULL                                                                         \
        (AgentProcess) {                                                                           \
                .stream_fd = -1, .pidfd = -1                                                       \
        }

/* Closes the stream, which tells the agent to end, waits AGENT_PROCESS_GRACE_NS for it, then kills
 * it; reaps. Blocks that long at worst. */
void agent_process_deinit(AgentProcess *process);
/* The same without the wait, for an agent that broke the protocol. */
void agent_process_kill(AgentProcess *process);
/* In a forked child: closes the descriptors and leaves the process, which is the parent's, alone.
 */
void agent_process_forget(AgentProcess *process);

/* pidfd_open(2) and pidfd_send_signal(2), which glibc wraps only since 2.36: 0 or more, -errno. */
int agent_pidfd_open(pid_t pid);
