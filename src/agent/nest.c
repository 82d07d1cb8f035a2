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

static _Noreturn void nest_wait(pid_t pid, bool sweeps) {
        int status = 0;

        (void)syscall(SYS_close_range, 0u, UINT_MAX, 0u); /* the host sees the agent's end by EOF */
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        _exit(1);
        if (sweeps)
                nest_sweep();
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Whether the namespace really lets us mount and make further namespaces: on a host that restricts
 * user namespaces by AppArmor it exists but grants nothing. */
static bool nest_is_usable(void) {
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool nest_settle(const Nest *nest, uid_t uid, gid_t gid, int ready_fd) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (nest->user_namespace && userns_map_self(uid, gid, NULL))
                return false;
        if (!nest_is_usable())
                return false;
        return fd_write(ready_fd, &(char){NEST_READY}, 1) == 1;
}

/* True in the agent proper; false where this kind of nest is not to be had. */
static bool nest_try(const Nest *nest) {
        unsigned long flags = CLONE_NEWPID | (nest->user_namespace ? CLONE_NEWUSER : 0ul);
        uid_t uid = geteuid();
        gid_t gid = getegid();
        int ready[2];
        char answer = 0;
        long pid;

        if (pipe2(ready, O_CLOEXEC) < 0)
                return false;
        pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0) {
                if (!nest_settle(nest, uid, gid, ready[1]))
                        _exit(1);
                (void)fd_close(ready[0]);
                (void)fd_close(ready[1]);
                return true;
        }
        (void)fd_close(ready[1]);
        if (pid > 0 && fd_read(ready[0], &answer, 1) == 1)
                nest_wait((pid_t)pid, false);
        (void)fd_close(ready[0]);
        if (pid > 0)
                (void)waitpid((pid_t)pid, NULL, 0);
        return false;
}

/* Without namespaces: whichever of the two is killed, the other ends what the agent has started. */
static void nest_split(void) {
        pid_t stub = getpid(), pid;

        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        pid = fork();
        if (pid > 0)
                nest_wait(pid, true);
        if (pid < 0)
                return;                         /* alone, then */
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* which lets the agent sweep before it ends */
        if (getppid() != stub)
                _exit(1);
}

void nest_enter(Nest *nest) {
        static const Nest kinds[] = {
                {.pid_namespace = true, .user_namespace = false},
                {.pid_namespace = true, .user_namespace = true},
        };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); ++i) {
                if (!kinds[i].user_namespace && !capabilities_have(CAP_SYS_ADMIN))
                        continue;
                if (nest_try(&kinds[i])) {
                        *nest = kinds[i];
                        return;
                }
        }
        *nest = (Nest){0};
        nest_split();
}
