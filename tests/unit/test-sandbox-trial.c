/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "sandbox/trial.h"

static int touched;

static bool works(void) {
        touched = 1;
        return true;
}

static bool fails(void) {
        return false;
}

static bool dies(void) {
        abort();
}

static void test_outcomes(void **state) {
        (void)state;
        assert_int_equal(trial_run(works), 1);
        assert_int_equal(touched, 0); /* it was the child */
        assert_int_equal(trial_run(fails), 0);
        assert_int_equal(trial_run(dies), 0);
}

/* What cannot be tried has not failed. */
static int no_child(void) {
        const struct rlimit none = {0, 0};

        if (geteuid() == 0)
                CHECK(setuid(12345) == 0);
        CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
        CHECK(trial_run(works) == -EAGAIN);
        return CHILD_PASSED;
}

static void test_no_child(void **state) {
        (void)state;
        child_run(no_child);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcomes),
                cmocka_unit_test(test_no_child),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
