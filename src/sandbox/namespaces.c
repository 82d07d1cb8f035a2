/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/failure.h"
#include "sandbox/namespaces.h"
#include "sandbox/trial.h"

static const struct {
        int flag;
        Layer layer;
} namespaces[] = {
        {CLONE_NEWNET, LAYER_NET_NAMESPACE},
        {CLONE_NEWIPC, LAYER_IPC_NAMESPACE},
        {CLONE_NEWUTS, LAYER_UTS_NAMESPACE},
};

LayerSet namespaces_enter_empty(LayerSet wanted) {
        LayerSet entered = 0;

        for (size_t i = 0; i < ARRAY_SIZE(namespaces); ++i)
                if ((wanted & LAYER_BIT(namespaces[i].layer)) && unshare(namespaces[i].flag) == 0)
                        entered |= LAYER_BIT(namespaces[i].layer);
        if ((entered & LAYER_BIT(LAYER_UTS_NAMESPACE)) && sethostname("sandbox", 7) < 0)
                entered &= ~LAYER_BIT(LAYER_UTS_NAMESPACE); /* the host's name still shows */
        return entered;
}

int namespaces_enter_cgroup(Failure *failure) {
        if (unshare(CLONE_NEWCGROUP) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "layer 'cgroup_namespace' cannot be applied");
        return 0;
}

static bool namespaces_try_cgroup(void) {
        return namespaces_enter_cgroup(NULL) == 0;
}

int namespaces_probe_cgroup(void) {
        return trial_run(namespaces_try_cgroup);
}
