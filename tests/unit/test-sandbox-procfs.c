/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/failure.h"
#include "namespaces.h"
#include "sandbox/capabilities.h"
#include "sandbox/procfs.h"

/* @fn in a pid namespace, of which it is PID 1. */
static int in_pid_namespace(ChildFn fn) {
        int status = 0;

        namespaces_unshare(CLONE_NEWNS | CLONE_NEWPID);
        if (fork() == 0)
                _exit(fn());
        CHECK(wait(&status) > 0 && WIFEXITED(status));
        return WEXITSTATUS(status);
}

static bool has(int proc_fd, const char *name) {
        return faccessat(proc_fd, name, F_OK, 0) == 0;
}

static int show(void) {
        static const char *const hidden[] = {"meminfo", "cpuinfo", "stat", "sys", "net", "kcore"};
        Failure failure = FAILURE_NULL;
        int fd = -1;

        if (procfs_open(&fd, &failure)) {
                if (failure.code == ENOSYS)
                        return CHILD_ON_VALGRIND;
                CHECK(strstr(failure.text, "masked"));
                return CHILD_NO_NAMESPACES;
        }
        CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
        CHECK(has(fd, "self/status") && has(fd, "thread-self") && has(fd, "1"));
        CHECK(!has(fd, "2"));
        for (size_t i = 0; i < ARRAY_SIZE(hidden); ++i)
                CHECK(!has(fd, hidden[i]));
        return CHILD_PASSED;
}

/* A child that lives until its parent, PID 1, ends, and is dumpable or not. */
static void start(int dumpable) {
        int gate[2];
        char byte;

        CHECK(pipe2(gate, O_CLOEXEC) == 0);
        if (fork() == 0) {
                CHECK(prctl(PR_SET_DUMPABLE, dumpable) == 0);
                CHECK(write(gate[1], "x", 1) == 1);
                for (;;)
                        (void)pause();
        }
        CHECK(read(gate[0], &byte, 1) == 1);
}

/* A process that the reader may not trace does not exist. */
static int hide(void) {
        int fd = -1;

        if (procfs_open(&fd, NULL))
                return CHILD_NO_NAMESPACES;
        CHECK(capabilities_drop(NULL) == 0);
        start(1);
        start(0);
        CHECK(has(fd, "self/status") && has(fd, "2") && !has(fd, "3"));
        return CHILD_PASSED;
}

/* Where somebody more privileged has put something over parts of the host's /proc, the kernel gives
 * out no other. */
static int masked(void) {
        Failure failure = FAILURE_NULL;
        int fd = -1;

        CHECK(procfs_open(&fd, &failure) < 0 && fd == -1);
        if (failure.code == ENOSYS)
                return CHILD_ON_VALGRIND;
        CHECK(failure.stage == FAILURE_STAGE_SANDBOX && strstr(failure.text, "masked"));
        return CHILD_PASSED;
}

static int without_capabilities(void) {
        Failure failure = FAILURE_NULL;
        int fd = -1;

        CHECK(capabilities_drop(NULL) == 0);
        CHECK(procfs_open(&fd, &failure) < 0 && fd == -1 && failure.text[0]);
        return CHILD_PASSED;
}

static int run_show(void) {
        return in_pid_namespace(show);
}

static int run_hide(void) {
        return in_pid_namespace(hide);
}

static int run_masked(void) {
        namespaces_unshare(CLONE_NEWNS);
        CHECK(mount("tmpfs", "/proc/sys", "tmpfs", 0, NULL) == 0);
        return in_pid_namespace(masked);
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {run_show, run_hide, run_masked, without_capabilities};
        const struct CMUnitTest tests[] = {
                {"show", run_row, NULL, NULL, &rows[0]},
                {"hide", run_row, NULL, NULL, &rows[1]},
                {"masked", run_row, NULL, NULL, &rows[2]},
                {"without_capabilities", run_row, NULL, NULL, &rows[3]},
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
