/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/failure.h"
#include "child.h"
#include "sandbox/attributes.h"

static int set_all(void) {
        Failure failure = FAILURE_NULL;
        int signal_number = 0;

        CHECK(attributes_set_no_new_privs(&failure) == 0);
        CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
        CHECK(attributes_set_no_new_privs(&failure) == 0); /* a second time is no error */
        CHECK(attributes_set_undumpable(&failure) == 0);
        CHECK(prctl(PR_GET_DUMPABLE) == 0);
        CHECK(attributes_die_with_parent(&failure) == 0);
        CHECK(prctl(PR_GET_PDEATHSIG, &signal_number) == 0 && signal_number == SIGKILL);
        CHECK(failure.stage == FAILURE_STAGE_NONE);
        return CHILD_PASSED;
}

static void test_each_is_set(void **state) {
        (void)state;
        child_run(set_all);
}

/* The grandchild holds the pipe open as long as it lives. */
static void test_dies_with_parent(void **state) {
        int ends[2];
        char byte;
        pid_t pid;

        (void)state;
        assert_int_equal(pipe(ends), 0);
        pid = fork();
        if (pid == 0) {
                if (fork() == 0) {
                        CHECK(attributes_die_with_parent(NULL) == 0);
                        CHECK(write(ends[1], "r", 1) == 1);
                        for (;;)
                                (void)pause();
                }
                CHECK(read(ends[0], &byte, 1) == 1);
                _exit(CHILD_PASSED);
        }
        (void)close(ends[1]);
        child_wait(pid);
        assert_int_equal(read(ends[0], &byte, 1), 0); /* for ever, if it did not die */
        (void)close(ends[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_is_set),
                cmocka_unit_test(test_dies_with_parent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
