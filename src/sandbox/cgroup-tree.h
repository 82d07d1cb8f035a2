#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The tree and its groups from within: for cgroup-tree.c and cgroup.c
 */
#include "base/list.h"
#include "sandbox/cgroup-files.h"
#include "sandbox/cgroup.h"

typedef struct CgroupPart CgroupPart;

/* The tree's directory in one hierarchy. */
struct CgroupPart {
        char path[CGROUP_PATH_MAX];
        size_t parent_length; /* of the path up to its last slash */
        int fd;               /* locked for as long as the agent lives */
};

struct CgroupTree {
        const CgroupFiles *files;
        CgroupPart parts[CGROUP_FDS_MAX];
        size_t n_parts;
        int part_of[_CGROUP_ROLE_N]; /* where its files are: an index, or -1 */
        Link leftovers;              /* groups whose processes are not gone yet */
        size_t n_leftovers;
        Link spares; /* empty groups, for others with the same limits */
        size_t n_spares;
        char description[128];
};

struct Cgroup {
        CgroupTree *tree;
        Link link; /* among the tree's leftovers or spares */
        char name[24];
        int join_fds[CGROUP_FDS_MAX];
        CgroupLimits limits;
        CgroupUsage before; /* what its counters had when it was made or taken up again */
        bool worn;          /* something was set or done that the next one must not find */
};
