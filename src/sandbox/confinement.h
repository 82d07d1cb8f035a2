#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Confinement: what a worker does to itself before it takes a request, in one flat list
 *
 * The plan is made in the zygote. Applying it is irrevocable, allocates nothing and stops at the
 * first step that fails: a worker is confined as planned, or there is no run. The layers in the
 * answer were applied, read back and, where it can be done from inside, tried by the self-test.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/layers.h"
#include "sandbox/rlimits.h"
#include "sandbox/view.h"

typedef struct ConfinementPlan ConfinementPlan;
typedef struct Failure Failure;

struct ConfinementPlan {
        LayerSet inherited; /* what zygote and agent have made around the worker */
        LayerSet planned;   /* what it does to itself */
        const ViewPlan *view;
        ViewPrivate private; /* LAYER_MOUNT_NAMESPACE */
        int work_dir_fd;     /* else: the working directory, O_PATH */
        int ruleset_fd;      /* LAYER_LANDLOCK: made by confinement_prepare(); else -1 */
        uint32_t uid;        /* LAYER_UID */
        bool processes;      /* the code may start processes */
        bool network;        /* it may use the network */
        RlimitPlan rlimits;
};

/* First half, while all descriptors of the zygote are still open. Sets ruleset_fd. */
int confinement_prepare(ConfinementPlan *plan, Failure *failure);
/* Second half. */
int confinement_apply(const ConfinementPlan *plan, LayerSet *layersp, Failure *failure);
