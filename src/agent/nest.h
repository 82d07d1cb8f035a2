#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Nest: the agent as PID 1 of a pid namespace of its own
 *
 * Where the kernel grants it, the program splits in two at its start: a stub that only waits, and
 * the agent proper, PID 1 of a new pid namespace in a user namespace of its own. As root that maps
 * every id onto itself, so that files and leased uids are what they were, but no capability means
 * anything to the host; else it maps only the invoking uid. So however the agent ends, SIGKILL
 * included, the kernel ends every zygote, init and worker with it; and the zygote may enter the pid
 * namespaces of runs and come back. Elsewhere the two are plain processes: the stub, a subreaper,
 * kills what a killed agent leaves behind, and the agent ends in order when the stub is killed.
 *
 * The stub also makes the tree of control groups and removes it when the agent has ended.
 */
#include <stdbool.h>

#include "base/layers.h"

typedef struct CgroupTree CgroupTree;
typedef struct Nest Nest;

struct Nest {
        bool pid_namespace;
        bool user_namespace;
        CgroupTree *groups; /* NULL = none are to be had */
};

/* Returns in the agent proper. The stub never returns: it closes its descriptors and exits as the
 * agent does. @without: layers that are to be left out. */
void nest_enter(Nest *nest, LayerSet without);
