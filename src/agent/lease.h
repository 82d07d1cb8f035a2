#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Lease: what a worker has of the host by name, and gives back when its last process is gone
 *
 * A uid (where the agent is root) and a work directory (where it cannot mount a tmpfs).
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/disk-watch.h"
#include "agent/work-dir.h"
#include "base/attr.h"
#include "base/list.h"

typedef struct Agent Agent;
typedef struct Failure Failure;
typedef struct Lease Lease;

struct Lease {
        Agent *agent;
        int uid_slot;  /* -1 = none */
        bool used;     /* a process may have lived under it */
        bool owns_ipc; /* in an IPC namespace of all: what the uid made there goes with it */
        WorkDir work_dir;
        DiskWatch disk; /* of it */
        Link cleaning;  /* in agent->cleaning, while what it left is removed */
};

int lease_new(Lease **leasep, Agent *agent, Failure *failure);
/* A run is about to begin under it. False where it shares /tmp with another one, whose traces are
 * not gone yet: then agent_tmp_is_free() says when. */
bool lease_use(Lease *lease);
/* Gives everything back, in pieces where there is much of it. Accepts NULL. */
Lease *lease_free(Lease *lease);
/* Goes on with leases that have not given back everything, until @until_ns. Returns whether there
 * are more. */
bool lease_clean(Agent *agent, uint64_t until_ns);
/* UID_STAY, or the leased one. */
uint32_t lease_uid(const Lease *lease);

DEFINE_CLEANUP(Lease *, lease_free)
