/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "engine/local.h"
#include "scratch.h"

/* Spawns a script in the place of the agent and returns all that it says. */
static const char *converse(const char *script, bool debug) {
        static char answer[16384];
        LocalTarget target = {.agent = scratch_write("agent", script), .debug = debug};
        AgentProcess process = AGENT_PROCESS_NULL;
        Failure failure = FAILURE_NULL;
        size_t length = 0;
        ssize_t n;

        assert_int_equal(local_spawn(&target, &process, &failure), 0);
        assert_int_equal(fd_set_nonblock(process.stream_fd, false), 0);
        while ((n = fd_read(process.stream_fd, answer + length, sizeof(answer) - 1 - length)) > 0)
                length += (size_t)n;
        answer[length] = '\0';
        agent_process_deinit(&process);
        return answer;
}

/* What the agent gets beside its stream; where there are no pidfds (valgrind), nothing. */
static const char *host_of_agent(void) {
        int pidfd = agent_pidfd_open(getpid());

        (void)fd_close(pidfd);
        return pidfd >= 0 ? "]\n/dev/null\nanon_inode:[pidfd]\n\n" : "]\n/dev/null\n\n";
}

static void test_environment(void **state) {
        (void)state;
        assert_int_equal(setenv("SECRET", "1", 1), 0);
        assert_string_equal(converse("#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ\n", false),
                            "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\nHOME=/\n");
}

/* S-04: nothing but what was meant, whatever the host has open */
static void test_descriptors(void **state) {
        int stray = open("/etc/passwd", O_RDONLY); /* without close-on-exec */
        const char *answer;

        (void)state;
        assert_true(stray >= 0);
        answer = converse("#!/bin/sh\n"
                          "for fd in 0 1 2 3 4 5 6 7 8 9; do\n"
                          "  [ -e /proc/$$/fd/$fd ] && readlink /proc/$$/fd/$fd\n"
                          "done\n"
                          "echo $1\n",
                          false);
        assert_int_equal(strncmp(answer, "socket:", 7), 0);
        assert_non_null(strstr(answer, "]\nsocket:"));
        assert_non_null(strstr(answer, host_of_agent()));
        assert_null(strstr(answer, "/etc/passwd"));
        (void)close(stray);
}

static void test_session_and_signals(void **state) {
        sigset_t blocked, before;
        const char *answer;

        (void)state;
        (void)sigemptyset(&blocked);
        (void)sigaddset(&blocked, SIGUSR1);
        assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
        assert_true(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
        assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        answer = converse("#!/bin/sh\n"
                          "set -- $(cat /proc/$$/stat)\n"
                          "[ $6 = $$ ] && echo leads its session\n"
                          "while read name mask; do case $name in SigBlk:|SigIgn:)\n"
                          "  echo $name $((0x$mask & 0x7fffffff)) ;;\n" /* 32 and 33 are libc's */
                          "esac; done </proc/$$/status\n",
                          false);
        assert_string_equal(answer, "leads its session\nSigBlk: 0\nSigIgn: 0\n");
        assert_true(signal(SIGUSR2, SIG_DFL) != SIG_ERR);
        assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
        assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

/* The host was started without standard descriptors: ours get their numbers. */
static void test_closed_standard_descriptors(void **state) {
        int saved[3];
        const char *answer;

        (void)state;
        for (int fd = 0; fd < 3; ++fd) {
                saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
                (void)close(fd);
        }
        answer = converse("#!/bin/sh\n"
                          "for fd in 0 1 2 3; do readlink /proc/$$/fd/$fd; done; echo $1\n",
                          false);
        for (int fd = 0; fd < 3; ++fd) {
                assert_int_equal(dup2(saved[fd], fd), fd);
                (void)close(saved[fd]);
        }
        assert_int_equal(strncmp(answer, "socket:", 7), 0);
        assert_non_null(strstr(answer, host_of_agent()));
}

static void test_debug_keeps_standard_error(void **state) {
        const char *log = scratch_path("log");
        int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
        int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        (void)state;
        assert_true(saved >= 0 && fd >= 0);
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        (void)converse("#!/bin/sh\necho heard >&2\n", true);
        (void)converse("#!/bin/sh\necho not heard >&2\n", false);
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        (void)close(saved);
        (void)close(fd);
        assert_string_equal(scratch_read("log"), "heard\n");
}

static void test_no_agent(void **state) {
        LocalTarget target = {.agent = scratch_path("nothing")};
        AgentProcess process = AGENT_PROCESS_NULL;
        Failure failure = FAILURE_NULL;
        char expected[256];

        (void)state;
        assert_int_equal(local_spawn(&target, &process, &failure), -ENOENT);
        assert_int_equal(failure.stage, FAILURE_STAGE_AGENT);
        (void)snprintf(expected, sizeof(expected), "cannot run '%s': ", target.agent);
        assert_int_equal(strncmp(failure.text, expected, strlen(expected)), 0);
        assert_int_equal(process.stream_fd, -1);
        target.agent = scratch_write("data", "no program");
        assert_int_equal(local_spawn(&target, &process, &failure), -EACCES);
}

static void test_no_descriptors(void **state) {
        LocalTarget target = {.agent = "/bin/true"};
        AgentProcess process = AGENT_PROCESS_NULL;
        Failure failure = FAILURE_NULL;
        struct rlimit before, none;

        (void)state;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = (struct rlimit){.rlim_cur = 5, .rlim_max = before.rlim_max};
        for (none.rlim_cur = 3; none.rlim_cur < 8; ++none.rlim_cur) {
                int r;

                assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
                r = local_spawn(&target, &process, &failure);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
                if (r == 0)
                        agent_process_deinit(&process);
                else
                        assert_int_equal(failure.stage, FAILURE_STAGE_RESOURCES);
        }
        none.rlim_cur = 3;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        assert_int_equal(local_spawn(&target, &process, &failure), -EMFILE);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void test_transport(void **state) {
        LocalTarget target = {.agent = scratch_write("echo", "#!/bin/sh\nexec cat\n")};
        AgentProcess process = AGENT_PROCESS_NULL;
        _cleanup_(transport_freep) Transport *transport = NULL;
        Failure failure = FAILURE_NULL;
        char byte = 0;

        (void)state;
        assert_int_equal(local_transport_new(&transport, &target), 0);
        for (int i = 0; i < 2; ++i) {
                assert_int_equal(transport->open(transport, &process, &failure), 0);
                assert_int_equal(fd_read(process.stream_fd, &byte, 1), -EAGAIN);
                assert_int_equal(fd_write(process.stream_fd, "x", 1), 1);
                assert_int_equal(fd_set_nonblock(process.stream_fd, false), 0);
                assert_int_equal(fd_read(process.stream_fd, &byte, 1), 1);
                assert_int_equal(byte, 'x');
                agent_process_deinit(&process);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_descriptors),
                cmocka_unit_test(test_session_and_signals),
                cmocka_unit_test(test_closed_standard_descriptors),
                cmocka_unit_test(test_debug_keeps_standard_error),
                cmocka_unit_test(test_no_agent),
                cmocka_unit_test(test_no_descriptors),
                cmocka_unit_test(test_transport),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
