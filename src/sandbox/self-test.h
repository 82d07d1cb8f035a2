#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Self-test: whether the layers of a run really hold, asked by trying what they forbid
 *
 * The last thing a worker does before it takes a request, after seccomp. Each layer has been read
 * back where it was applied; this is the check that does not believe in that.
 *
 * User, network and IPC namespaces and the cgroup cannot be tried from inside a filter: those who
 * make them read them back.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/layers.h"

typedef struct Failure Failure;
typedef struct RlimitPlan RlimitPlan;
typedef struct SelfTestPlan SelfTestPlan;

struct SelfTestPlan {
        uint32_t uid;              /* LAYER_UID: the leased one */
        bool view;                 /* there is a decoy, in a view of ours */
        bool proc;                 /* the run has a /proc */
        bool processes;            /* the run may start programs */
        const RlimitPlan *rlimits; /* LAYER_RLIMITS */
};

/* Worker: tries each layer of @claimed; the failure names the first one that does not hold.
 * Async-signal-safe. */
int self_test(const SelfTestPlan *plan, LayerSet claimed, Failure *failure);
