/* SPDX-License-Identifier: MIT */
/*
 * The order is forced by the kernel: mounts need the capabilities, a change of uid loses them and
 * resets dumpable and the parent-death signal, Landlock forbids mounts, it and seccomp want
 * no_new_privs, and seccomp forbids most of the above.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/attributes.h"
#include "sandbox/capabilities.h"
#include "sandbox/confinement.h"
#include "sandbox/credentials.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/seccomp.h"
#include "sandbox/self-test.h"

typedef struct ConfinementStep {
        Layer layer;
        int (*apply)(const ConfinementPlan *plan, Failure *failure);
} ConfinementStep;

static bool confinement_has(const ConfinementPlan *plan, Layer layer) {
        return plan->planned & LAYER_BIT(layer);
}

static int confine_mounts(const ConfinementPlan *plan, Failure *failure) {
        return view_enter_private(plan->view, &plan->private, failure);
}

static int confine_rlimits(const ConfinementPlan *plan, Failure *failure) {
        return rlimit_plan_apply(&plan->rlimits, failure);
}

static int confine_uid(const ConfinementPlan *plan, Failure *failure) {
        capabilities_drop_bounding(); /* which a change of uid would no longer allow */
        return credentials_drop(plan->uid, failure);
}

static int confine_capabilities(const ConfinementPlan *plan _unused_, Failure *failure) {
        capabilities_drop_bounding();
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

/* Of what exists for this worker alone. */
static int confine_allow_path(const ConfinementPlan *plan,
                              const char *path,
                              LandlockAccess access,
                              Failure *failure) {
        _cleanup_(closep) int fd = -1;

        fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot open what the code may use");
        return landlock_ruleset_allow(plan->ruleset_fd, fd, access, failure);
}

static int confine_landlock(const ConfinementPlan *plan, Failure *failure) {
        int r;

        r = confine_allow_path(plan, ".", LANDLOCK_WRITE, failure);
        if (!r && plan->private.shm_bytes && confinement_has(plan, LAYER_MOUNT_NAMESPACE))
                r = confine_allow_path(plan, "/dev/shm", LANDLOCK_WRITE, failure);
        if (!r && plan->private.proc_fd >= 0)
                r = confine_allow_path(plan, "/proc", LANDLOCK_READ, failure);
        return r ? r : landlock_ruleset_enforce(plan->ruleset_fd, failure);
}

static int confine_seccomp(const ConfinementPlan *plan, Failure *failure) {
        int r = 0;

        if (!confinement_has(plan, LAYER_MOUNT_NAMESPACE))
                r = seccomp_guard_host(!confinement_has(plan, LAYER_UID), failure);
        if (r)
                return r;
        return seccomp_apply(seccomp_profile(plan->processes, plan->network), getpid(), failure);
}

static int confine_cgroup_namespace(const ConfinementPlan *plan _unused_, Failure *failure) {
        return namespaces_enter_cgroup(failure);
}

static const ConfinementStep steps[] = {
        {LAYER_CGROUP_NAMESPACE, confine_cgroup_namespace},
        {LAYER_MOUNT_NAMESPACE, confine_mounts},
        {LAYER_RLIMITS, confine_rlimits},
        {LAYER_UID, confine_uid},
        {LAYER_CAPABILITIES, confine_capabilities},
        {LAYER_NO_NEW_PRIVS, confine_no_new_privs},
        {LAYER_UNDUMPABLE, confine_undumpable},
        {LAYER_LANDLOCK, confine_landlock},
        {LAYER_SECCOMP, confine_seccomp},
};

int confinement_prepare(ConfinementPlan *plan, Failure *failure) {
        int r;

        plan->ruleset_fd = -1;
        if (!confinement_has(plan, LAYER_LANDLOCK))
                return 0;
        r = landlock_ruleset_new(&plan->ruleset_fd, plan->network, failure);
        return r ? r : view_plan_allow(plan->view, plan->ruleset_fd, plan->processes, failure);
}

/* Code that may start processes may signal what it sees: its own only, or there is no run. */
static int confinement_fence_signals(const ConfinementPlan *plan, Failure *failure) {
        if (!plan->processes || plan->inherited & LAYER_BIT(LAYER_PID_NAMESPACE) ||
            confinement_has(plan, LAYER_UID))
                return 0;
        if (confinement_has(plan, LAYER_LANDLOCK) && landlock_scopes_signals())
                return 0;
        return failure_lit(
                failure, FAILURE_STAGE_SANDBOX, EPERM,
                "allow_processes needs a pid namespace, root, or a kernel whose Landlock "
                "keeps signals inside (Linux 6.12): this host has none of them");
}

/* And it may have sockets, whose abstract names are those of the network namespace that all runs
 * share. Where Landlock does not keep them inside, it gets one of its own. */
static int confinement_fence_names(const ConfinementPlan *plan, Failure *failure) {
        if (!plan->processes || !(plan->inherited & LAYER_BIT(LAYER_NET_NAMESPACE)))
                return 0;
        if (confinement_has(plan, LAYER_LANDLOCK) && landlock_scopes_signals())
                return 0;
        if (unshare(CLONE_NEWNET) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot make a network namespace for this run alone");
        return 0;
}

/* What no layer of the result stands for. */
static int confinement_begin(const ConfinementPlan *plan, Failure *failure) {
        int r;

        r = confinement_fence_signals(plan, failure);
        if (!r)
                r = confinement_fence_names(plan, failure);
        if (!r && !confinement_has(plan, LAYER_MOUNT_NAMESPACE) && fchdir(plan->work_dir_fd) < 0)
                r = failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                "cannot enter the work directory");
        return r;
}

int confinement_apply(const ConfinementPlan *plan, LayerSet *layersp, Failure *failure) {
        SelfTestPlan test = {
                .uid = plan->uid,
                .view = confinement_has(plan, LAYER_MOUNT_NAMESPACE),
                .proc = plan->private.proc_fd >= 0,
                .processes = plan->processes,
                .rlimits = &plan->rlimits,
        };
        LayerSet layers = plan->inherited | plan->planned;
        int r;

        r = confinement_begin(plan, failure);
        for (size_t i = 0; !r && i < ARRAY_SIZE(steps); ++i)
                if (confinement_has(plan, steps[i].layer))
                        r = steps[i].apply(plan, failure);
        if (!r)
                r = self_test(&test, layers, failure);
        if (!r)
                *layersp = layers;
        return r;
}
