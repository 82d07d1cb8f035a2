#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Control groups: memory, tasks and CPU of one run, counted and limited by the kernel
 *
 * The tree is where an agent may make groups: its own delegated one (v2), one below the root (v2 or
 * v1, as root), or nowhere. It is a directory per hierarchy, named "spr-PID", made and removed by
 * the stub, so that it is gone however the agent ends; trees of stubs that are dead are removed by
 * the next one. A group is made for one worker and never used again: a reused one would refuse
 * lower limits and show a false peak.
 *
 * All paths hang below a root that tests point elsewhere. Nothing here follows a symlink.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

typedef struct Cgroup Cgroup;
typedef struct CgroupLimits CgroupLimits;
typedef struct CgroupTree CgroupTree;
typedef struct CgroupUsage CgroupUsage;
typedef struct Failure Failure;

#define CGROUP_FDS_MAX 3 /* v1: memory, pids, cpu */

enum {
        _CGROUP_E_SUCCESS,
        CGROUP_E_NONE, /* no tree is to be had here; the failure says why */
};

struct CgroupLimits {
        uint64_t memory_bytes; /* hard, swap off; 0 = none */
        uint32_t n_tasks;      /* processes and threads; 0 = none */
        uint32_t n_cpus;       /* CPU time per wall time; 0 = no limit */
};

struct CgroupUsage {
        uint64_t memory_bytes; /* anonymous and shared pages and tmpfs files now; no page cache */
        uint64_t cpu_ns;       /* 0 where nothing counts it */
        uint64_t oom_kills; /* > 0: the kernel has killed for want of memory (v2 may count twice) */
};

/* Stub: finds where groups may be made and makes the tree. @root is "/sys/fs/cgroup", @proc
 * "/proc". Needs memory and pids; cpu is taken where it is. */
int cgroup_tree_new(CgroupTree **treep, const char *root, const char *proc, Failure *failure);
/* Kills what is left in it and removes it from the host. Async-signal-safe enough for a
 * process that has closed all descriptors: it works by path. */
void cgroup_tree_remove(CgroupTree *tree);
CgroupTree *cgroup_tree_free(CgroupTree *tree);
/* "v2 /user.slice/…" or "v1 memory,pids,cpu", for the doctor. */
const char *cgroup_tree_describe(const CgroupTree *tree);

/* Agent: one group per worker, @name unique in the tree. */
int cgroup_new(Cgroup **groupp,
               CgroupTree *tree,
               uint64_t name,
               const CgroupLimits *limits,
               Failure *failure);
/* Removes it; one that is not empty yet is remembered by the tree and removed by a later
 * cgroup_new() or cgroup_sweep(). Accepts NULL. */
Cgroup *cgroup_free(Cgroup *group);
void cgroup_sweep(CgroupTree *tree);
/* Keeps it for a later cgroup_new() with the same limits, which counts from there on: to make one
 * and to remove it is a third of what a run costs. Only for one in which a single process was, that
 * has been waited for. */
Cgroup *cgroup_spare(Cgroup *group);

/* Descriptors of files that take "0": whoever writes it joins. Borrowed. Returns their number. */
size_t cgroup_join_fds(const Cgroup *group, int fds[static CGROUP_FDS_MAX]);
/* Worker: joins by them; async-signal-safe. */
int cgroup_join(const int *fds, size_t n_fds, Failure *failure);
/* Agent: whether some process is in it in every hierarchy: the layer, read back. */
bool cgroup_is_populated(const Cgroup *group);
/* Whether the process is in it, in every hierarchy; @proc_pid: its pid in the mounted /proc.
 * Cheaper than to ask for all members, which v1 keeps for a second. */
bool cgroup_has_member(const Cgroup *group, long proc_pid);

/* From here on others go before it: an eighth of the usual share of the processor. */
void cgroup_set_background(Cgroup *group);

/* SIGKILL to all its processes at once; false where the kernel cannot (v1, before 5.14). */
bool cgroup_kill(Cgroup *group);
int cgroup_read(const Cgroup *group, CgroupUsage *usage);

DEFINE_CLEANUP(Cgroup *, cgroup_free)
DEFINE_CLEANUP(CgroupTree *, cgroup_tree_free)
