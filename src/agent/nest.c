/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/nest.h"
#include "base/fd.h"
#include "sandbox/capabilities.h"
#include "sandbox/cgroup.h"
#include "sandbox/descendants.h"
#include "sandbox/userns.h"

/* The child says by one byte that it could make itself at home. */
#define NEST_READY 'r'

/* Without a pid namespace, what a killed agent has left behind becomes our child. */
static void nest_sweep(void) {
        _cleanup_(closep) int proc_fd = -1;

        proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return;
        do
                (void)descendants_kill_unknown(proc_fd, NULL, 0);
        while (waitpid(-1, NULL, 0) > 0);
}

static pid_t nest_child;

static void nest_pass_on(int number) {
        (void)kill(nest_child, number);
}

/* As PID 1 of a container we have no signal's default action, and `docker stop` would wait in vain.
 * Anywhere else our end is what the agent gets its signal from. */
static void nest_hear(pid_t pid) {
        if (getpid() != 1)
                return;
        nest_child = pid;
        (void)signal(SIGTERM, nest_pass_on);
}

static _Noreturn void nest_wait(const Nest *nest, pid_t pid, bool sweeps) {
        int status = 0;

        nest_hear(pid);
        (void)syscall(SYS_close_range, 0u, UINT_MAX, 0u); /* the host sees the agent's end by EOF */
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        _exit(1);
        if (sweeps)
                nest_sweep();
        if (nest->groups)
                cgroup_tree_remove(nest->groups);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Whether the namespace really lets us mount and make further namespaces: on a host that restricts
 * user namespaces by AppArmor it exists but grants nothing. */
static bool nest_is_usable(void) {
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

typedef struct NestPipes {
        int ready[2];  /* child to parent: NEST_READY when it is at home */
        int mapped[2]; /* parent to child: its ids are mapped */
} NestPipes;

static bool nest_pipes_open(NestPipes *pipes) {
        if (pipe2(pipes->ready, O_CLOEXEC) < 0)
                return false;
        if (pipe2(pipes->mapped, O_CLOEXEC) == 0)
                return true;
        (void)fd_close(pipes->ready[0]);
        (void)fd_close(pipes->ready[1]);
        return false;
}

static void nest_pipes_close(NestPipes *pipes) {
        for (size_t i = 0; i < 2; ++i) {
                (void)fd_close(pipes->ready[i]);
                (void)fd_close(pipes->mapped[i]);
        }
}

/* Root cannot map all ids from inside: the parent does it. */
static bool nest_map_ids(const NestPipes *pipes, uid_t uid, gid_t gid) {
        char answer;

        if (uid == 0)
                return fd_read(pipes->mapped[0], &answer, 1) == 1;
        return userns_map_self(uid, gid, NULL) == 0;
}

static bool nest_settle(const Nest *nest, const NestPipes *pipes, uid_t uid, gid_t gid) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(pipes->mapped[1]); /* or a parent that dies would not be noticed */
        if (nest->user_namespace && !nest_map_ids(pipes, uid, gid))
                return false;
        if (!nest_is_usable())
                return false;
        if (nest->user_namespace)
                (void)userns_forbid_nested(); /* seccomp refuses them as well */
        return fd_write(pipes->ready[1], &(char){NEST_READY}, 1) == 1;
}

/* True in the agent proper; false where this kind of nest is not to be had. */
static bool nest_try(const Nest *nest) {
        unsigned long flags = CLONE_NEWPID | (nest->user_namespace ? CLONE_NEWUSER : 0ul);
        uid_t uid = geteuid();
        gid_t gid = getegid();
        NestPipes pipes;
        char answer = 0;
        long pid;

        if (!nest_pipes_open(&pipes))
                return false;
        pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0) {
                if (!nest_settle(nest, &pipes, uid, gid))
                        _exit(1);
                pipes.mapped[1] = -1;
                nest_pipes_close(&pipes);
                return true;
        }
        pipes.ready[1] = fd_close(pipes.ready[1]);
        if (pid > 0 && nest->user_namespace && uid == 0 && userns_map_as_here((pid_t)pid) == 0)
                (void)fd_write(pipes.mapped[1], &(char){NEST_READY}, 1);
        pipes.mapped[1] = fd_close(pipes.mapped[1]);
        if (pid > 0 && fd_read(pipes.ready[0], &answer, 1) == 1)
                nest_wait(nest, (pid_t)pid, false);
        nest_pipes_close(&pipes);
        if (pid > 0)
                (void)waitpid((pid_t)pid, NULL, 0);
        return false;
}

/* Without namespaces: whichever of the two is killed, the other ends what the agent has started. */
static void nest_split(const Nest *nest) {
        pid_t stub = getpid(), pid;

        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        pid = fork();
        if (pid > 0)
                nest_wait(nest, pid, true);
        if (pid < 0)
                return;                         /* alone, then */
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* which lets the agent sweep before it ends */
        if (getppid() != stub)
                _exit(1);
}

static bool nest_may_try(const Nest *nest, LayerSet without) {
        if (without & LAYER_BIT(LAYER_PID_NAMESPACE))
                return false;
        return nest->user_namespace ? !(without & LAYER_BIT(LAYER_USER_NAMESPACE))
                                    : capabilities_have(CAP_SYS_ADMIN);
}

void nest_enter(Nest *nest, LayerSet without) {
        static const bool user_namespaces[] = {true, false};
        CgroupTree *groups = NULL;

        if (!(without & LAYER_BIT(LAYER_CGROUP)))
                (void)cgroup_tree_new(&groups, "/sys/fs/cgroup", "/proc", NULL);
        for (size_t i = 0; i < ARRAY_SIZE(user_namespaces); ++i) {
                *nest = (Nest){.pid_namespace = true,
                               .user_namespace = user_namespaces[i],
                               .groups = groups};
                if (nest_may_try(nest, without) && nest_try(nest))
                        return;
        }
        *nest = (Nest){.groups = groups};
        nest_split(nest);
}
