/* SPDX-License-Identifier: MIT */
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/failure.h"
#include "namespaces.h"
#include "sandbox/capabilities.h"

static struct __user_cap_data_struct sets[2];

static void read_sets(void) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

        CHECK(syscall(SYS_capget, &header, sets) == 0);
}

static int drop_all(void) {
        Failure failure = FAILURE_NULL;

        namespaces_unshare(0);
        CHECK(capabilities_have(CAP_SYS_ADMIN));
        CHECK(capabilities_keep_over_exec(&failure) == 0);
        CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SYS_ADMIN, 0, 0) == 1);
        CHECK(capabilities_drop(&failure) == 0);
        read_sets();
        for (size_t i = 0; i < ARRAY_SIZE(sets); ++i)
                CHECK(!(sets[i].effective | sets[i].permitted | sets[i].inheritable));
        CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SYS_ADMIN, 0, 0) == 0);
        CHECK(!capabilities_have(CAP_SYS_ADMIN));
        CHECK(capabilities_drop(&failure) == 0); /* also with nothing left to drop */
        return CHILD_PASSED;
}

static int drop_bounding(void) {
        namespaces_unshare(0);
        capabilities_drop_bounding();
        for (unsigned long c = 0; c <= CAP_LAST_CAP; ++c)
                CHECK(prctl(PR_CAPBSET_READ, c, 0, 0, 0) <= 0);
        CHECK(capabilities_have(CAP_SYS_ADMIN)); /* what it has now, it keeps */
        return CHILD_PASSED;
}

/* Without any there is nothing to keep, and that is no failure. */
static int keep_nothing(void) {
        CHECK(capabilities_drop(NULL) == 0);
        CHECK(capabilities_keep_over_exec(NULL) == 0);
        capabilities_drop_bounding();
        CHECK(!capabilities_have(CAP_CHOWN));
        return CHILD_PASSED;
}

/* Over an execve(2) without privileges of its own: the program reads the fifth line of its caps. */
static int keep_over_exec(void) {
        namespaces_unshare(0);
        CHECK(capabilities_keep_over_exec(NULL) == 0);
        if (geteuid() != 0) {
                (void)execl("/bin/sh", "sh", "-c",
                            "! grep -q 'CapEff:.*0000000000000000' /proc/self/status", NULL);
                return CHILD_FAILED;
        }
        return CHILD_PASSED;
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {drop_all, drop_bounding, keep_nothing, keep_over_exec};
        const struct CMUnitTest tests[] = {
                {"drop_all", run_row, NULL, NULL, &rows[0]},
                {"drop_bounding", run_row, NULL, NULL, &rows[1]},
                {"keep_nothing", run_row, NULL, NULL, &rows[2]},
                {"keep_over_exec", run_row, NULL, NULL, &rows[3]},
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
