#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Lease: what a run has of the host by name, and gives back when its last process is gone
 *
 * A uid (where the agent is root) and a work directory (where the run cannot mount a tmpfs). A run
 * is delivered as soon as it has answered and has been killed; its worker may take a millisecond to
 * be gone. So the lease outlives the run: it is parked until the zygote reports the worker's end,
 * and only then serves another run.
 */
#include <stdint.h>

#include "agent/work-dir.h"
#include "base/attr.h"
#include "base/list.h"

typedef struct Agent Agent;
typedef struct Failure Failure;
typedef struct Lease Lease;

struct Lease {
        Agent *agent;
        uint64_t run_id;
        int uid_slot;  /* -1 = none */
        bool used;     /* a process may have lived under it */
        bool owns_ipc; /* in an IPC namespace of all: what the uid made there goes with it */
        WorkDir work_dir;
        Link parked; /* in environment->parked */
        uint64_t deadline_ns;
};

int lease_new(Lease **leasep, Agent *agent, uint64_t run_id, Failure *failure);
/* Gives everything back. Accepts NULL. */
Lease *lease_free(Lease *lease);
/* UID_STAY, or the leased one. */
uint32_t lease_uid(const Lease *lease);

DEFINE_CLEANUP(Lease *, lease_free)
