/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/cpu-time.h"
#include "base/clock.h"

/* A child that has burnt at least @ns of CPU time and ended; not reaped. */
static pid_t burn(uint64_t ns) {
        siginfo_t info;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                struct timespec spent = {0};

                while ((uint64_t)spent.tv_sec * NSEC_PER_SEC + (uint64_t)spent.tv_nsec < ns)
                        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
                _exit(0);
        }
        assert_true(pid > 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        return pid;
}

static void test_zombie(void **state) {
        uint64_t user = 0, system = 0;
        pid_t pid = burn(30 * NSEC_PER_MSEC);

        (void)state;
        assert_int_equal(cpu_time_read(pid, &user, &system), 0);
        assert_true(user + system >= 30 * NSEC_PER_MSEC);
        assert_true(user + system < 10 * NSEC_PER_SEC);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_self(void **state) {
        uint64_t user = 0, system = 0;

        (void)state;
        assert_int_equal(cpu_time_read(getpid(), &user, &system), 0);
        assert_true(user + system > 0);
}

/* What is gone leaves the answer as it was. */
static void test_reaped(void **state) {
        uint64_t user = 7, system = 8;
        pid_t pid = burn(0);

        (void)state;
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(cpu_time_read(pid, &user, &system) < 0);
        assert_int_equal(user, 7);
        assert_int_equal(system, 8);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_zombie),
                cmocka_unit_test(test_self),
                cmocka_unit_test(test_reaped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
