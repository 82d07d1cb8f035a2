/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/failure.h"
#include "sandbox/namespaces.h"

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

bool namespaces_probe_cgroup(void) {
        int status = 0;
        pid_t pid;

        pid = fork();
        if (pid == 0)
                _exit(namespaces_enter_cgroup(NULL) ? 1 : 0);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}
