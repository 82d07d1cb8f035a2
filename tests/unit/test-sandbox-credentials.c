/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "child.h"
#include "sandbox/credentials.h"

static int ordinary_user(void) {
        Failure failure = FAILURE_NULL;

        if (geteuid() == 0)
                CHECK(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
                      setresuid(65534, 65534, 65534) == 0);
        CHECK(credentials_probe() == 0);
        CHECK(credentials_drop(UID_LEASE_BASE, &failure) < 0);
        CHECK(failure.stage == FAILURE_STAGE_SANDBOX);
        return CHILD_PASSED;
}

static int root(void) {
        Failure failure = FAILURE_NULL;
        uid_t uids[3];
        gid_t gids[3];

        if (geteuid() != 0)
                return CHILD_NOT_ROOT;
        if (credentials_probe() == 0)
                return CHILD_NO_CAPABILITIES;
        CHECK(geteuid() == 0); /* the probe was another process */
        CHECK(credentials_drop(UID_LEASE_BASE + 5, &failure) == 0);
        CHECK(getresuid(&uids[0], &uids[1], &uids[2]) == 0);
        CHECK(getresgid(&gids[0], &gids[1], &gids[2]) == 0);
        for (size_t i = 0; i < 3; ++i)
                CHECK(uids[i] == UID_LEASE_BASE + 5 && gids[i] == UID_LEASE_BASE + 5);
        CHECK(getgroups(0, NULL) == 0);
        CHECK(setresuid(0, 0, 0) < 0 && setresgid(0, 0, 0) < 0);
        return CHILD_PASSED;
}

/* Short of processes is not short of rights. */
static int no_child(void) {
        const struct rlimit none = {0, 0};

        if (geteuid() == 0)
                CHECK(setgroups(0, NULL) == 0 && setresuid(65534, 65534, 65534) == 0);
        CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
        CHECK(credentials_probe() == -EAGAIN);
        return CHILD_PASSED;
}

static void test_no_child(void **state) {
        (void)state;
        child_run(no_child);
}

static void test_ordinary_user(void **state) {
        (void)state;
        child_run(ordinary_user);
}

static void test_root(void **state) {
        (void)state;
        child_run(root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ordinary_user),
                cmocka_unit_test(test_root),
                cmocka_unit_test(test_no_child),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
