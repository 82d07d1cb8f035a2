/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/agent-process.h"

/* What the child does when the stream ends. */
typedef enum Manner {
        MANNER_ENDS,
        MANNER_HANGS,
} Manner;

/* Forks a child that holds the other end, in a process without threads. */
static AgentProcess start(Manner manner, bool with_pidfd) {
        AgentProcess process = AGENT_PROCESS_NULL;
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        process.pid = fork();
        if (process.pid == 0) {
                char byte;

                (void)close(pair[0]);
                (void)fd_read(pair[1], &byte, 1);
                while (manner == MANNER_HANGS)
                        (void)pause();
                _exit(0);
        }
        assert_true(process.pid > 0);
        (void)close(pair[1]);
        process.stream_fd = pair[0];
        process.pidfd = with_pidfd ? agent_pidfd_open(process.pid) : -1;
        return process;
}

static bool is_gone(pid_t pid) {
        return kill(pid, 0) < 0;
}

static void test_ends_by_itself(void **state) {
        (void)state;
        for (int with_pidfd = 0; with_pidfd < 2; ++with_pidfd) {
                AgentProcess process = start(MANNER_ENDS, with_pidfd);
                uint64_t begin = clock_now_ns();
                pid_t pid = process.pid;

                agent_process_deinit(&process);
                assert_true(is_gone(pid));
                assert_true(clock_now_ns() - begin < AGENT_PROCESS_GRACE_NS);
                assert_int_equal(process.stream_fd, -1);
                assert_int_equal(process.pidfd, -1);
                assert_int_equal(process.pid, 0);
                agent_process_deinit(&process); /* twice is harmless */
        }
}

/* A copy of the descriptor elsewhere does not keep the agent alive. */
static void test_stream_is_shut_down(void **state) {
        AgentProcess process = start(MANNER_ENDS, true);
        pid_t pid = process.pid;
        int copy = dup(process.stream_fd);

        (void)state;
        agent_process_deinit(&process);
        assert_true(is_gone(pid));
        (void)close(copy);
}

static void test_killed_after_grace(void **state) {
        AgentProcess process = start(MANNER_HANGS, true);
        uint64_t begin = clock_now_ns();
        pid_t pid = process.pid;

        (void)state;
        agent_process_deinit(&process);
        assert_true(is_gone(pid));
        assert_true(clock_now_ns() - begin >= AGENT_PROCESS_GRACE_NS);
}

static void test_killed_at_once(void **state) {
        (void)state;
        for (int with_pidfd = 0; with_pidfd < 2; ++with_pidfd) {
                AgentProcess process = start(MANNER_HANGS, with_pidfd);
                uint64_t begin = clock_now_ns();
                pid_t pid = process.pid;

                agent_process_kill(&process);
                assert_true(is_gone(pid));
                assert_true(clock_now_ns() - begin < AGENT_PROCESS_GRACE_NS);
        }
}

static void test_reaped_by_somebody_else(void **state) {
        (void)state;
        for (int with_pidfd = 0; with_pidfd < 2; ++with_pidfd) {
                AgentProcess process = start(MANNER_HANGS, with_pidfd);

                assert_int_equal(kill(process.pid, SIGKILL), 0);
                assert_int_equal(waitpid(process.pid, NULL, 0), process.pid);
                agent_process_deinit(&process);
        }
}

static void test_ignored_children(void **state) {
        AgentProcess process;

        (void)state;
        assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
        process = start(MANNER_ENDS, true);
        agent_process_deinit(&process);
        assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
}

static void test_forget(void **state) {
        AgentProcess process = start(MANNER_HANGS, true), kept = process;

        (void)state;
        kept.stream_fd = -1;
        kept.pidfd = -1;
        agent_process_forget(&process);
        assert_int_equal(process.pid, 0);
        assert_false(is_gone(kept.pid));
        agent_process_kill(&kept);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ends_by_itself),
                cmocka_unit_test(test_stream_is_shut_down),
                cmocka_unit_test(test_killed_after_grace),
                cmocka_unit_test(test_killed_at_once),
                cmocka_unit_test(test_reaped_by_somebody_else),
                cmocka_unit_test(test_ignored_children),
                cmocka_unit_test(test_forget),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
