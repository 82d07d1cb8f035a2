/* SPDX-License-Identifier: MIT */
/*
 * The order is forced by the kernel: mounts need the capabilities, a change of uid loses them and
 * resets dumpable and the parent-death signal, and no_new_privs comes before any filter.
 */
#include <errno.h>
#include <unistd.h>

#include "base/failure.h"
#include "sandbox/attributes.h"
#include "sandbox/capabilities.h"
#include "sandbox/confinement.h"
#include "sandbox/credentials.h"
#include "sandbox/view.h"

typedef struct ConfinementStep {
        Layer layer;
        int (*apply)(const ConfinementPlan *plan, Failure *failure);
} ConfinementStep;

static int confine_mounts(const ConfinementPlan *plan, Failure *failure) {
        ViewPrivate private = {
                .disk_bytes = plan->disk_bytes, .uid = plan->uid, .proc_fd = -1, .programs = true};

        if (plan->view)
                return view_enter_private(plan->view, &private, failure);
        if (fchdir(plan->work_dir_fd) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot enter the work directory");
        return 0;
}

static int confine_rlimits(const ConfinementPlan *plan, Failure *failure) {
        return rlimit_plan_apply(&plan->rlimits, failure);
}

static int confine_uid(const ConfinementPlan *plan, Failure *failure) {
        capabilities_drop_bounding();
        return plan->uid == UID_STAY ? 0 : credentials_drop(plan->uid, failure);
}

static int confine_capabilities(const ConfinementPlan *plan _unused_, Failure *failure) {
        return capabilities_drop(failure);
}

static int confine_no_new_privs(const ConfinementPlan *plan _unused_, Failure *failure) {
        return attributes_set_no_new_privs(failure);
}

static int confine_undumpable(const ConfinementPlan *plan _unused_, Failure *failure) {
        int r;

        r = attributes_die_with_parent(failure);
        return r ? r : attributes_set_undumpable(failure);
}

static const ConfinementStep steps[] = {
        {LAYER_MOUNT_NAMESPACE, confine_mounts},
        {LAYER_RLIMITS, confine_rlimits},
        {LAYER_UID, confine_uid},
        {LAYER_CAPABILITIES, confine_capabilities},
        {LAYER_NO_NEW_PRIVS, confine_no_new_privs},
        {LAYER_UNDUMPABLE, confine_undumpable},
};

/* A step can be passed without its layer being there, where the plan has nothing for it. */
static LayerSet confinement_gaps(const ConfinementPlan *plan) {
        LayerSet gaps = 0;

        if (!plan->view)
                gaps |= LAYER_BIT(LAYER_MOUNT_NAMESPACE);
        if (plan->uid == UID_STAY)
                gaps |= LAYER_BIT(LAYER_UID);
        return gaps;
}

int confinement_apply(const ConfinementPlan *plan, LayerSet *layersp, Failure *failure) {
        LayerSet layers = 0;

        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                int r = steps[i].apply(plan, failure);

                if (r)
                        return r;
                layers |= LAYER_BIT(steps[i].layer);
        }
        *layersp = (layers & ~confinement_gaps(plan)) | plan->inherited;
        return 0;
}
