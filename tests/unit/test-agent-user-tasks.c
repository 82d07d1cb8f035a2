/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/user-tasks.h"
#include "child.h"

#define CHILDREN 200

/* As a user of whom there is nobody else: what is counted is what there is. */
static int counts(void) {
        pid_t children[CHILDREN];
        uint32_t before;

        if (geteuid() != 0)
                return CHILD_NOT_ROOT;
        CHECK(setresgid(1234567, 1234567, 1234567) == 0 &&
              setresuid(1234567, 1234567, 1234567) == 0);
        before = user_tasks_count();
        CHECK(before == 1);
        for (unsigned int i = 0; i < CHILDREN; ++i) {
                children[i] = fork();
                if (children[i] == 0)
                        for (;;)
                                (void)pause();
        }
        CHECK(user_tasks_count() == before + CHILDREN);
        for (unsigned int i = 0; i < CHILDREN; ++i)
                CHECK(kill(children[i], SIGKILL) == 0 && waitpid(children[i], NULL, 0) > 0);
        CHECK(user_tasks_count() == before);
        return CHILD_PASSED;
}

static void test_counts(void **state) {
        (void)state;
        child_run(counts);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
