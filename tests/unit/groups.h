#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Groups: real control groups for a child of a test, removed when it ends well
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/failure.h"
#include "base/fd.h"
#include "child.h"
#include "sandbox/cgroup.h"

/* Valgrind looks for what is lost in every child that ends. */
static void *volatile groups_kept[8];

static inline void groups_keep(void *object) {
        static unsigned int next;

        groups_kept[next++ % ARRAY_SIZE(groups_kept)] = object;
}

/* The child ends as skipped where there are none to be had. */
static inline CgroupTree *groups_tree(void) {
        Failure failure = FAILURE_NULL;
        CgroupTree *tree = NULL;
        int r;

        r = cgroup_tree_new(&tree, "/sys/fs/cgroup", "/proc", &failure);
        if (r == CGROUP_E_NONE) {
                CHECK(failure.text[0]);
                (void)fprintf(stderr, "no groups: %s\n", failure.text);
                _exit(CHILD_NO_CGROUPS);
        }
        if (r)
                (void)fprintf(stderr, "%s\n", failure.text);
        CHECK(r == 0);
        groups_keep(tree);
        return tree;
}

static inline int groups_done(CgroupTree *tree) {
        cgroup_tree_remove(tree);
        (void)cgroup_tree_free(tree);
        return CHILD_PASSED;
}

static inline Cgroup *groups_new(CgroupTree *tree, uint64_t name, CgroupLimits limits) {
        Failure failure = FAILURE_NULL;
        Cgroup *group = NULL;

        if (cgroup_new(&group, tree, name, &limits, &failure))
                (void)fprintf(stderr, "%s\n", failure.text);
        CHECK(group);
        groups_keep(group);
        return group;
}

typedef void (*GroupsFn)(void);

static bool groups_outlive; /* members stay when the test's process ends, however it does */

/* A process that joins the group, says so, runs @fn and waits to be killed. */
static inline pid_t groups_member(const Cgroup *group, GroupsFn fn) {
        int fds[CGROUP_FDS_MAX], ready[2];
        size_t n_fds = cgroup_join_fds(group, fds);
        pid_t pid;
        char byte;

        CHECK(n_fds > 0 && pipe(ready) == 0);
        pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
                CHECK(groups_outlive || prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
                CHECK(cgroup_join(fds, n_fds, NULL) == 0);
                for (int fd = 3; fd < 256; ++fd)
                        if (fd != ready[1])
                                (void)close(fd); /* the tree's lock is not a member's */
                CHECK(write(ready[1], "r", 1) == 1);
                if (fn)
                        fn();
                for (;;)
                        (void)pause();
        }
        (void)close(ready[1]);
        CHECK(read(ready[0], &byte, 1) == 1);
        (void)close(ready[0]);
        return pid;
}

/* The status of a process that ends. */
static inline int groups_wait(pid_t pid) {
        int status = 0;

        CHECK(waitpid(pid, &status, 0) == pid);
        return status;
}

static inline bool groups_was_killed(int status) {
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}
