/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/pidns.h"
#include "sandbox/procfs.h"

/* Opens the namespace's /proc and hands it out; the other end is the agent's. */
static void pidns_init_give_proc(int socket) {
        Failure failure = FAILURE_NULL;
        int proc_fd = -1;

        if (procfs_open(&proc_fd, &failure))
                (void)fd_send_message(socket, &failure, sizeof(failure), NULL, 0);
        else
                (void)fd_send_message(socket, &failure, sizeof(failure), &proc_fd, 1);
}

/* Runs in a copy of the agent: raw and flat. It ignores SIGCHLD, so that orphans of the run are
 * reaped by the kernel.
 *
 * It is dumpable, sees the host's files and, where the agent is not root, has the uid of the run's
 * code. What forbids the code to trace it is that it has capabilities and the code has none: so it
 * does not drop them. */
static _Noreturn void pidns_init_main(int proc_socket) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, "spr-init");
        (void)signal(SIGCHLD, SIG_IGN);
        if (proc_socket >= 0)
                pidns_init_give_proc(proc_socket);
        if (syscall(SYS_close_range, 0u, UINT_MAX, CLOSE_RANGE_UNSHARE) < 0)
                _exit(1);
        for (;;)
                (void)pause();
}

/* The agent may have thousands of descriptors, and a copy of its table would be made and emptied
 * for each run: so it is shared, until the init takes an empty one of its own. With a socket, that
 * both sides close, it is not; nor where there is no clone3() (some filters of containers,
 * valgrind). */
static pid_t pidns_init_fork(int proc_socket, int *pidfdp) {
        struct clone_args sharing = {
                .flags = CLONE_NEWPID | CLONE_PIDFD | CLONE_FILES,
                .pidfd = (uint64_t)(uintptr_t)pidfdp,
                .exit_signal = SIGCHLD,
        };
        long pid = -1;

        errno = ENOSYS;
        if (proc_socket < 0)
                pid = syscall(SYS_clone3, &sharing, sizeof(sharing));
        if (pid < 0 && errno == ENOSYS)
                pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_PIDFD | SIGCHLD, NULL, pidfdp, NULL,
                              NULL);
        return (pid_t)pid;
}

static int pidns_init_clone(PidnsInit *init, int proc_socket, Failure *failure) {
        int pidfd = -1;
        pid_t pid;

        /* setns() by pidfd wants a target that may be traced: the copy is born dumpable */
        (void)prctl(PR_SET_DUMPABLE, 1);
        pid = pidns_init_fork(proc_socket, &pidfd);
        if (pid == 0)
                pidns_init_main(proc_socket);
        (void)prctl(PR_SET_DUMPABLE, 0);
        if (pid < 0)
                return failure_errno(failure, FAILURE_STAGE_SANDBOX, errno,
                                     "cannot make a pid namespace");
        init->pid = pid;
        init->pidfd = pidfd;
        return 0;
}

static int pidns_init_take_proc(int socket, int *proc_fdp, Failure *failure) {
        Failure answer = FAILURE_NULL;
        size_t n_fds = 1;
        ssize_t n;

        n = fd_receive_message(socket, &answer, sizeof(answer), proc_fdp, &n_fds);
        if (n == (ssize_t)sizeof(answer) && n_fds == 1)
                return 0;
        if (n != (ssize_t)sizeof(answer))
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, EIO,
                                   "the init of a run ended before it could open /proc");
        *failure = answer;
        return -answer.code;
}

int pidns_init_new(PidnsInit *init, int *proc_fdp, Failure *failure) {
        _cleanup_(closep) int ours = -1, theirs = -1;
        int pair[2];
        int r;

        if (!proc_fdp)
                return pidns_init_clone(init, -1, failure);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a socket pair");
        ours = pair[0];
        theirs = pair[1];
        r = pidns_init_clone(init, theirs, failure);
        theirs = fd_close(theirs);
        if (!r)
                r = pidns_init_take_proc(ours, proc_fdp, failure);
        if (r)
                pidns_init_kill(init);
        return r;
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
