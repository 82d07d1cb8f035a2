/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/bench-processes.h"

static const char *const names[] = {"spr-agent", "spr-zygote", "spr-zygote", "anything"};

/* Each is called by its name and is the parent of the next; all end with @end_fd. */
static void family_live(int ready_fd, int end_fd) {
        pid_t child = 0;
        char byte;

        for (size_t i = 0; i < ARRAY_SIZE(names) && child == 0; i++) {
                (void)prctl(PR_SET_NAME, names[i]);
                if (i + 1 < ARRAY_SIZE(names))
                        child = fork();
                else
                        (void)fd_write(ready_fd, "", 1);
        }
        (void)fd_read(end_fd, &byte, 1);
        if (child > 0)
                (void)waitpid(child, NULL, 0);
        _exit(0);
}

/* An agent, its zygote, a worker, and what the worker started. */
static void test_family(void **state) {
        BenchProcesses processes = {.unreadable = true};
        int ready[2], end[2];
        char byte;
        pid_t child;

        (void)state;
        assert_int_equal(pipe(ready), 0);
        assert_int_equal(pipe(end), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                (void)close(end[1]);
                family_live(ready[1], end[0]);
        }
        assert_int_equal(fd_read(ready[0], &byte, 1), 1);
        assert_int_equal(bench_processes_scan(&processes, getpid()), 0);
        assert_int_equal(processes.n_agents, 1);
        assert_int_equal(processes.n_zygotes, 1);
        assert_int_equal(processes.n_workers, 1);
        assert_int_equal(processes.n_others, 1);
        assert_true(processes.n_agent_fds >= 3);
        assert_true(processes.worker_kib > 0);
        assert_false(processes.unreadable);

        (void)close(end[1]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(bench_processes_scan(&processes, getpid()), 0);
        assert_int_equal(processes.n_agents + processes.n_workers, 0);
        for (size_t i = 0; i < 2; i++)
                (void)close(ready[i]);
        (void)close(end[0]);
}

static void test_private(void **state) {
        uint64_t kib = 0;

        (void)state;
        assert_int_equal(bench_process_private_kib(getpid(), &kib), 0);
        assert_true(kib > 0);
        assert_true(bench_process_private_kib(0x7fffffff, &kib) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_family),
                cmocka_unit_test(test_private),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
