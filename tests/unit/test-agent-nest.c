/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "agent/nest.h"
#include "child.h"
#include "sandbox/capabilities.h"

static Nest enter(void) {
        static Nest nest; /* what it holds stays within reach */

        nest_enter(&nest, 0);
        if (!nest.pid_namespace)
                _exit(CHILD_NO_NAMESPACES);
        return nest;
}

/* The status goes by way of the stub, so what CHECK() finds inside arrives. */
static int inside(void) {
        bool root = capabilities_have(CAP_SYS_ADMIN);
        Nest nest = enter();

        CHECK(getpid() == 1);
        CHECK(nest.user_namespace || root);
        CHECK(capabilities_have(CAP_SYS_ADMIN));
        return CHILD_PASSED;
}

static int ordinary_user(void) {
        uid_t uid;
        Nest nest;

        if (geteuid() == 0)
                CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
        uid = geteuid();
        CHECK(prctl(PR_SET_DUMPABLE, 1) == 0); /* or its /proc belongs to root */
        nest = enter();
        CHECK(nest.user_namespace && getpid() == 1 && geteuid() == uid);
        CHECK(capabilities_have(CAP_SYS_ADMIN));
        return CHILD_PASSED;
}

/* As in a container: no clone(2) with namespaces. */
static void refuse_namespaces(void) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWPID | CLONE_NEWUSER, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static int refused(void) {
        Nest nest = {.pid_namespace = true, .user_namespace = true};
        pid_t pid = getpid();

        if (child_lacks_pidfds())
                return CHILD_ON_VALGRIND;
        refuse_namespaces();
        nest_enter(&nest, 0);
        CHECK(!nest.pid_namespace && !nest.user_namespace && getppid() == pid);
        CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); /* no failed try is left */
        return CHILD_PASSED;
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

/* The only child of @parent. */
static pid_t child_of(pid_t parent) {
        char path[64], text[32] = "";
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        (void)close(fd);
        return (pid_t)strtol(text, NULL, 10);
}

/* A stub in front of an agent that waits, and the pipe that the agent alone holds open. */
static pid_t start(int *alive_fdp) {
        int ends[2];
        char byte;
        pid_t stub;

        if (child_lacks_pidfds()) /* nor close_range(2), and the stub would hold the pipe, too */
                child_skip(CHILD_ON_VALGRIND);
        assert_int_equal(pipe(ends), 0);
        stub = fork();
        if (stub == 0) {
                (void)close(ends[0]);
                (void)enter();
                CHECK(write(ends[1], "r", 1) == 1);
                for (;;)
                        (void)pause();
        }
        (void)close(ends[1]);
        if (read(ends[0], &byte, 1) != 1)
                child_wait(stub); /* which skips */
        *alive_fdp = ends[0];
        return stub;
}

/* Without namespaces, too, nothing outlives an agent that was killed: the stub ends a daemon that
 * holds the pipe. */
static void test_agent_killed_without_namespaces(void **state) {
        Nest nest;
        int ends[2], status = 0;
        char byte;
        pid_t stub;

        (void)state;
        if (child_lacks_pidfds()) /* nor close_range(2), and the stub would hold the pipe, too */
                child_skip(CHILD_ON_VALGRIND);
        assert_int_equal(pipe(ends), 0);
        stub = fork();
        if (stub == 0) {
                refuse_namespaces();
                nest_enter(&nest, 0);
                if (fork() == 0) {
                        (void)setsid();
                        CHECK(write(ends[1], "r", 1) == 1);
                }
                for (;;)
                        (void)pause();
        }
        (void)close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        assert_int_equal(kill(child_of(stub), SIGKILL), 0);
        assert_int_equal(read(ends[0], &byte, 1), 0);
        assert_int_equal(waitpid(stub, &status, 0), stub);
        assert_int_equal(status, (128 + SIGKILL) << 8);
        (void)close(ends[0]);
}

static void test_exit_status(void **state) {
        int status = 0;
        pid_t stub = fork();

        (void)state;
        if (stub == 0) {
                (void)enter();
                _exit(7);
        }
        assert_int_equal(waitpid(stub, &status, 0), stub);
        if (WEXITSTATUS(status) == CHILD_NO_NAMESPACES)
                child_judge(status);
        assert_int_equal(status, 7 << 8);
}

/* How the agent ends, the stub ends. */
static void test_agent_killed(void **state) {
        int alive_fd = -1, status = 0;
        pid_t stub = start(&alive_fd);

        (void)state;
        assert_int_equal(kill(child_of(stub), SIGKILL), 0);
        assert_int_equal(waitpid(stub, &status, 0), stub);
        assert_int_equal(status, (128 + SIGKILL) << 8);
        (void)close(alive_fd);
}

/* How the stub ends, the agent ends. */
static void test_stub_killed(void **state) {
        static const int signals[] = {SIGKILL, SIGTERM};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(signals); ++i) {
                int alive_fd = -1;
                pid_t stub = start(&alive_fd);
                char byte;

                assert_int_equal(kill(stub, signals[i]), 0);
                assert_int_equal(read(alive_fd, &byte, 1), 0);
                assert_int_equal(waitpid(stub, NULL, 0), stub);
                (void)close(alive_fd);
        }
}

int main(void) {
        static ChildFn rows[] = {inside, ordinary_user, refused};
        const struct CMUnitTest tests[] = {
                {"inside", run_row, NULL, NULL, &rows[0]},
                {"ordinary_user", run_row, NULL, NULL, &rows[1]},
                {"refused", run_row, NULL, NULL, &rows[2]},
                cmocka_unit_test(test_exit_status),
                cmocka_unit_test(test_agent_killed),
                cmocka_unit_test(test_stub_killed),
                cmocka_unit_test(test_agent_killed_without_namespaces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
