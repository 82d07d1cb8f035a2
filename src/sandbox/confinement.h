#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Confinement: what a worker does to itself before it takes a request, in one flat list
 *
 * The plan is made in the zygote. Applying it is irrevocable, allocates nothing and stops at the
 * first step that fails: a worker is confined as planned, or there is no run. The layers in the
 * answer were applied and read back.
 */
#include <stdint.h>

#include "base/layers.h"
#include "sandbox/rlimits.h"

typedef struct ConfinementPlan ConfinementPlan;
typedef struct Failure Failure;
typedef struct ViewPlan ViewPlan;

struct ConfinementPlan {
        const ViewPlan *view; /* NULL = no mount namespace: @work_dir_fd is the working directory */
        int work_dir_fd;
        uint64_t disk_bytes; /* size of the private tmpfs */
        uint32_t uid;        /* UID_STAY or a leased one */
        LayerSet inherited;  /* what zygote and agent have made around the worker */
        RlimitPlan rlimits;
};

int confinement_apply(const ConfinementPlan *plan, LayerSet *layersp, Failure *failure);
