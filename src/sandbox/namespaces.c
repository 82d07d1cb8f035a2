/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <unistd.h>

#include "base/attr.h"
#include "sandbox/namespaces.h"

static const struct {
        int flag;
        Layer layer;
} namespaces[] = {
        {CLONE_NEWNET, LAYER_NET_NAMESPACE},
        {CLONE_NEWIPC, LAYER_IPC_NAMESPACE},
        {CLONE_NEWUTS, LAYER_UTS_NAMESPACE},
        {CLONE_NEWCGROUP, LAYER_CGROUP_NAMESPACE},
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
