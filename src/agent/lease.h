#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Lease: what a worker has of the host by name, and gives back when its last process is gone
 *
 * A uid (where the agent is root) and a work directory (where it cannot mount a tmpfs).
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/work-dir.h"
#include "base/attr.h"

typedef struct Agent Agent;
typedef struct Failure Failure;
typedef struct Lease Lease;

struct Lease {
        Agent *agent;
        int uid_slot;  /* -1 = none */
        bool used;     /* a process may have lived under it */
        bool owns_ipc; /* in an IPC namespace of all: what the uid made there goes with it */
        WorkDir work_dir;
};

int lease_new(Lease **leasep, Agent *agent, Failure *failure);
/* Gives everything back. Accepts NULL. */
Lease *lease_free(Lease *lease);
/* UID_STAY, or the leased one. */
uint32_t lease_uid(const Lease *lease);

DEFINE_CLEANUP(Lease *, lease_free)
