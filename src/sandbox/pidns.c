/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/pidns.h"

/* Runs in a copy of the agent: raw and flat. It ignores SIGCHLD, so that orphans of the run are
 * reaped by the kernel.
 *
 * It is dumpable, sees the host's files and, where the agent is not root, has the uid of the run's
 * code. What forbids the code to trace it is that it has capabilities and the code has none: so it
 * does not drop them. */
static _Noreturn void pidns_init_main(void) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, "spr-init");
        (void)signal(SIGCHLD, SIG_IGN);
        (void)syscall(SYS_close_range, 0u, UINT_MAX, 0u); /* the host's stream above all */
        for (;;)
                (void)pause();
}

int pidns_init_new(PidnsInit *init, Failure *failure) {
        int pidfd = -1;
        long pid;

        /* setns() by pidfd wants a target that may be traced: the copy is born dumpable */
        (void)prctl(PR_SET_DUMPABLE, 1);
        pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);
        if (pid == 0)
                pidns_init_main();
        (void)prctl(PR_SET_DUMPABLE, 0);
        if (pid < 0)
                return failure_errno(failure, FAILURE_STAGE_SANDBOX, errno,
                                     "cannot make a pid namespace");
        init->pid = (pid_t)pid;
        init->pidfd = pidfd;
        return 0;
}

void pidns_init_kill(PidnsInit *init) {
        if (init->pidfd >= 0)
                (void)syscall(SYS_pidfd_send_signal, init->pidfd, SIGKILL, NULL, 0u);
        init->pidfd = fd_close(init->pidfd);
        init->pid = -1;
}

int pidns_enter(int init_pidfd, Failure *failure) {
        if (setns(init_pidfd, CLONE_NEWPID) < 0)
                return failure_errno(failure, FAILURE_STAGE_SANDBOX, errno,
                                     "cannot enter a pid namespace");
        return 0;
}

int pidns_return(int self_pidfd, Failure *failure) {
        if (setns(self_pidfd, CLONE_NEWPID) < 0)
                return failure_errno(failure, FAILURE_STAGE_SANDBOX, errno,
                                     "cannot leave a pid namespace");
        return 0;
}
