/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "namespaces.h"

static int read_file(const char *path, char *text, size_t size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

        (void)close(fd);
        text[n < 0 ? 0 : n] = '\0';
        return n > 0;
}

static int map_self(void) {
        uid_t uid = geteuid();
        gid_t gid = getegid();
        unsigned long inside, outside, count;
        char text[128], *end;

        namespaces_unshare(0);
        CHECK(geteuid() == uid && getegid() == gid);
        CHECK(read_file("/proc/self/uid_map", text, sizeof(text)));
        inside = strtoul(text, &end, 10);
        outside = strtoul(end, &end, 10);
        count = strtoul(end, &end, 10);
        CHECK(inside == uid && outside == uid && count == 1);
        CHECK(read_file("/proc/self/setgroups", text, sizeof(text)));
        CHECK(strncmp(text, "deny", 4) == 0);
        CHECK(setgroups(0, NULL) < 0);
        CHECK(setresuid(uid + 1, uid + 1, uid + 1) < 0); /* nobody else exists in here */
        return CHILD_PASSED;
}

/* A map is written once. */
static int map_twice(void) {
        Failure failure = FAILURE_NULL;

        namespaces_unshare(0);
        CHECK(userns_map_self(geteuid(), getegid(), &failure) < 0);
        CHECK(failure.stage == FAILURE_STAGE_SANDBOX && failure.text[0]);
        return CHILD_PASSED;
}

static int map_somebody_else(void) {
        uid_t uid = geteuid();

        if (uid == 0)
                return CHILD_PASSED; /* root may */
        if (unshare(CLONE_NEWUSER) < 0)
                return CHILD_NO_NAMESPACES;
        CHECK(userns_map_self(uid + 1, getegid(), NULL) < 0);
        return CHILD_PASSED;
}

static void test_map_self(void **state) {
        (void)state;
        child_run(map_self);
}

static void test_map_twice(void **state) {
        (void)state;
        child_run(map_twice);
}

static void test_map_somebody_else(void **state) {
        (void)state;
        child_run(map_somebody_else);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_map_self),
                cmocka_unit_test(test_map_twice),
                cmocka_unit_test(test_map_somebody_else),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
