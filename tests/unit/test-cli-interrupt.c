/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cli/interrupt.h"

/* Each story is told in a process of its own, since signals are process-wide. 0 is its good end. */
static int story_tell(int (*story)(int reader, int writer)) {
        int fds[2];
        int status = 0;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)signal(SIGINT, SIG_DFL);
                (void)signal(SIGTERM, SIG_DFL);
                _exit(story(fds[0], fds[1]));
        }
        (void)fd_close(fds[0]);
        (void)fd_close(fds[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

static int story_readable(int reader, int writer) {
        interrupt_catch();
        if (interrupt_poll(reader, 0) != INTERRUPT_E_TIMEOUT)
                return 1;
        if (write(writer, "x", 1) != 1)
                return 2;
        return interrupt_poll(reader, UINT64_MAX) == 0 && interrupt_signal() == 0 ? 0 : 3;
}

static int story_before_the_poll(int reader, int writer) {
        (void)writer;
        interrupt_catch();
        (void)raise(SIGINT);
        if (interrupt_signal() != SIGINT)
                return 1;
        if (interrupt_poll(reader, UINT64_MAX) != INTERRUPT_E_SIGNAL)
                return 2;
        return interrupt_poll(reader, 0) == INTERRUPT_E_TIMEOUT ? 0 : 3; /* answered once */
}

static int story_between_the_polls(int reader, int writer) {
        (void)writer;
        interrupt_catch();
        (void)interrupt_poll(reader, 0);
        (void)raise(SIGTERM); /* blocked by now: pending until the next poll */
        if (interrupt_signal() != 0)
                return 1;
        if (interrupt_poll(reader, UINT64_MAX) != INTERRUPT_E_SIGNAL)
                return 2;
        return interrupt_signal() == SIGTERM ? 0 : 3;
}

static int story_ignored_stays_ignored(int reader, int writer) {
        (void)writer;
        (void)signal(SIGHUP, SIG_IGN); /* nohup */
        interrupt_catch();
        (void)raise(SIGHUP);
        return interrupt_poll(reader, NSEC_PER_MSEC) == INTERRUPT_E_TIMEOUT ? 0 : 1;
}

static int story_twice(int reader, int writer) {
        (void)writer;
        interrupt_catch();
        (void)raise(SIGINT);
        (void)interrupt_poll(reader, 0);
        (void)raise(SIGINT);
        (void)interrupt_poll(reader, UINT64_MAX);
        return 0;
}

static void test_stories(void **state) {
        (void)state;
        assert_int_equal(story_tell(story_readable), 0);
        assert_int_equal(story_tell(story_before_the_poll), 0);
        assert_int_equal(story_tell(story_between_the_polls), 0);
        assert_int_equal(story_tell(story_ignored_stays_ignored), 0);
}

static void test_the_second_ends_it(void **state) {
        int status = story_tell(story_twice);

        (void)state;
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGINT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stories),
                cmocka_unit_test(test_the_second_ends_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
