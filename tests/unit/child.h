#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Child: a test in a process of its own, for what cannot be undone
 *
 * The function runs in a forked child and answers with an exit status: CHILD_PASSED, CHILD_SKIPPED
 * with one of the reasons below, or what CHECK() makes of a condition that does not hold. The list
 * of reasons is closed: a test is skipped for no other.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"

typedef int (*ChildFn)(void);

enum {
        CHILD_PASSED = 0,
        CHILD_FAILED = 1,
        CHILD_NO_NAMESPACES = 70, /* and one exit status for each reason there is */
        CHILD_NOT_ROOT,
        CHILD_NO_CAPABILITIES,
        CHILD_NO_LANDLOCK,
        CHILD_ON_VALGRIND,
        CHILD_NO_CGROUPS,
        CHILD_FILTERS_VALGRIND,
};

/* Valgrind answers ENOSYS to what it does not know: pidfds above all. */
static inline bool child_lacks_pidfds(void) {
        return syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0u) < 0 && errno == ENOSYS;
}

/* In the child only: cmocka's asserts belong to the parent. */
#define CHECK(condition)                                                                           \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        (void)fprintf(stderr, "%s:%d: in the child: %s\n", __FILE__, __LINE__,     \
                                      #condition);                                                 \
                        _exit(CHILD_FAILED);                                                       \
                }                                                                                  \
        } while (0)

static inline const char *child_skip_reason(int status) {
        switch (status) {
        case CHILD_NO_NAMESPACES:
                return "this kernel or host grants no namespaces";
        case CHILD_NOT_ROOT:
                return "only root can do this";
        case CHILD_NO_CAPABILITIES:
                return "this process has no capabilities";
        case CHILD_NO_LANDLOCK:
                return "this kernel lacks this part of Landlock";
        case CHILD_ON_VALGRIND:
                return "valgrind knows no pidfds";
        case CHILD_NO_CGROUPS:
                return "this process may not make control groups";
        case CHILD_FILTERS_VALGRIND:
                return "the filter would hold for valgrind itself";
        default:
                return NULL;
        }
}

static inline void child_skip(int status) {
        print_message("skipped: %s\n", child_skip_reason(status));
        skip();
}

/* Ends the test as the child's status says. */
static inline void child_judge(int status) {
        if (WIFEXITED(status) && child_skip_reason(WEXITSTATUS(status)))
                child_skip(WEXITSTATUS(status));
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), CHILD_PASSED);
}

static inline void child_wait(pid_t pid) {
        int status = 0;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        child_judge(status);
}

static inline void child_run(ChildFn fn) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(fn());
        child_wait(pid);
}
