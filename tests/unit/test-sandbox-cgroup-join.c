/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/failure.h"
#include "sandbox/cgroup.h"

static void test_writes_to_all(void **state) {
        int first[2], second[2], fds[2];
        char text[4];

        (void)state;
        assert_int_equal(pipe(first), 0);
        assert_int_equal(pipe(second), 0);
        fds[0] = first[1];
        fds[1] = second[1];
        assert_int_equal(cgroup_join(fds, 2, NULL), 0);
        assert_int_equal(read(first[0], text, sizeof(text)), 1);
        assert_int_equal(text[0], '0');
        assert_int_equal(read(second[0], text, sizeof(text)), 1);
        assert_int_equal(text[0], '0');
        for (size_t i = 0; i < 2; ++i) {
                (void)close(first[i]);
                (void)close(second[i]);
        }
}

static void test_none(void **state) {
        (void)state;
        assert_int_equal(cgroup_join(NULL, 0, NULL), 0);
}

/* One that is refused is not skipped over. */
static void test_refused(void **state) {
        Failure failure = FAILURE_NULL;
        int fds[] = {open("/dev/null", O_WRONLY | O_CLOEXEC), open("/dev/full", O_WRONLY)};

        (void)state;
        assert_int_equal(cgroup_join(fds, 2, &failure), -ENOSPC);
        assert_int_equal(failure.stage, FAILURE_STAGE_SANDBOX);
        assert_string_equal(failure.text, "cannot join a control group");
        (void)close(fds[0]);
        (void)close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_writes_to_all),
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
