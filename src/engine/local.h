#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Local: spr-agent as a child of the host process
 *
 * What the agent is given, and nothing else: descriptors 0 and 1 are its end of the stream, 2 is
 * /dev/null, 3 a pidfd of the host, by which it ends when the host does, whoever else holds a copy
 * of the stream (closed where pidfds are denied). It leads a session of its own, with no signal
 * blocked or ignored and a fixed environment.
 */
#include <stdbool.h>

#include "base/attr.h"
#include "engine/transport.h"

typedef struct LocalTarget LocalTarget;

struct LocalTarget {
        const char *agent; /* path of spr-agent */
        bool debug;        /* the agent keeps our standard error */
};

/* Never forks: posix_spawn(3) only. Returns 0 or -errno with the words in @failure, which tell an
 * agent that is not there from one that does not run. */
int local_spawn(const LocalTarget *target, AgentProcess *process, Failure *failure);

/* A transport that spawns @target, which is copied. Returns 0 or -ENOMEM. */
int local_transport_new(Transport **transportp, const LocalTarget *target);
