/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "base/failure.h"
#include "base/fd.h"
#include "namespaces.h"
#include "sandbox/capabilities.h"
#include "sandbox/pidns.h"

static int pidfd_self(void) {
        return (int)syscall(SYS_pidfd_open, getpid(), 0u);
}

/* An init, in a process that is PID 1 of a namespace and can so come back. */
static PidnsInit make_init(void) {
        PidnsInit init = PIDNS_INIT_NULL;
        Failure failure = FAILURE_NULL;
        int r;

        if (child_lacks_pidfds())
                _exit(CHILD_ON_VALGRIND);
        namespaces_unshare(CLONE_NEWPID);
        if (fork() != 0) {
                int status = 0;

                CHECK(wait(&status) > 0);
                _exit(WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_FAILED);
        }
        CHECK(getpid() == 1);
        r = pidns_init_new(&init, NULL, &failure);
        CHECK(r == 0 && init.pid > 0 && init.pidfd >= 0);
        CHECK(prctl(PR_GET_DUMPABLE) == 0);
        return init;
}

/* The run's first process is PID 2, and all of its processes end with the init. */
static int life(void) {
        PidnsInit init = make_init();
        int self = pidfd_self(), status = 0;
        Failure failure = FAILURE_NULL;
        struct pollfd polled = {.events = POLLIN};
        pid_t worker;

        CHECK(pidns_enter(init.pidfd, &failure) == 0);
        worker = fork();
        if (worker == 0) {
                CHECK(getpid() == 2 && getppid() == 0);
                (void)kill(1, SIGKILL); /* which PID 1 does not feel from inside */
                for (;;)
                        (void)pause();
        }
        CHECK(pidns_return(self, &failure) == 0);
        if (fork() == 0)
                _exit(getpid() == 2 ? CHILD_FAILED : CHILD_PASSED);
        CHECK(wait(&status) > 0 && status == 0);
        polled.fd = dup(init.pidfd);
        CHECK(poll(&polled, 1, 0) == 0);
        pidns_init_kill(&init);
        CHECK(init.pid == -1 && init.pidfd == -1);
        pidns_init_kill(&init); /* accepts a dead one */
        CHECK(waitpid(worker, &status, 0) == worker);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        CHECK(poll(&polled, 1, 10000) == 1); /* the init ends after all others are reaped */
        return CHILD_PASSED;
}

/* The init has the host's files in view and, where the agent is not root, the uid of the code. */
static int code_cannot_trace_init(void) {
        PidnsInit init = make_init();
        int status = 0;
        pid_t worker;

        CHECK(pidns_enter(init.pidfd, NULL) == 0);
        worker = fork();
        if (worker == 0) {
                CHECK(capabilities_drop(NULL) == 0);
                errno = 0;
                CHECK(ptrace(PTRACE_ATTACH, 1, NULL, NULL) < 0 && errno == EPERM);
                _exit(CHILD_PASSED);
        }
        CHECK(waitpid(worker, &status, 0) == worker);
        CHECK(WIFEXITED(status));
        pidns_init_kill(&init);
        return WEXITSTATUS(status);
}

static int enter_nonsense(void) {
        Failure failure = FAILURE_NULL;

        CHECK(pidns_enter(-1, &failure) == -EBADF && failure.stage == FAILURE_STAGE_SANDBOX);
        CHECK(pidns_return(STDIN_FILENO, &failure) < 0);
        return CHILD_PASSED;
}

static int refused(void) {
        PidnsInit init = PIDNS_INIT_NULL;
        Failure failure = FAILURE_NULL;

        CHECK(capabilities_drop(NULL) == 0);
        CHECK(pidns_init_new(&init, NULL, &failure) < 0);
        CHECK(init.pid == -1 && init.pidfd == -1 && failure.text[0]);
        return CHILD_PASSED;
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {life, code_cannot_trace_init, enter_nonsense, refused};
        const struct CMUnitTest tests[] = {
                {"life", run_row, NULL, NULL, &rows[0]},
                {"code_cannot_trace_init", run_row, NULL, NULL, &rows[1]},
                {"enter_nonsense", run_row, NULL, NULL, &rows[2]},
                {"refused", run_row, NULL, NULL, &rows[3]},
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
