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

/* Not even its owner can make another one in it, and what agent and zygote need stays possible. */
static int forbid_nested(void) {
        namespaces_unshare(0);
        if (!userns_forbid_nested()) {
                CHECK(access("/proc/sys/user/max_user_namespaces", W_OK) < 0);
                return CHILD_NO_NAMESPACES; /* /proc/sys is read-only, as in a container */
        }
        CHECK(unshare(CLONE_NEWUSER) < 0 && errno == ENOSPC);
        CHECK(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                      CLONE_NEWCGROUP) == 0);
        return CHILD_PASSED;
}

/* Without a namespace of one's own nothing changes for the rest of the host. */
static int forbid_on_the_host(void) {
        char before[32], after[32], name[64] = "";

        CHECK(readlink("/proc/self/ns/user", name, sizeof(name) - 1) > 0);
        if (strcmp(name, "user:[4026531837]") != 0)
                return CHILD_NO_NAMESPACES; /* the tests themselves run in one */
        CHECK(read_file("/proc/sys/user/max_user_namespaces", before, sizeof(before)));
        CHECK(!userns_forbid_nested());
        CHECK(read_file("/proc/sys/user/max_user_namespaces", after, sizeof(after)));
        CHECK(strcmp(before, after) == 0);
        return CHILD_PASSED;
}

/* S-17 */
static void test_forbid_nested(void **state) {
        (void)state;
        child_run(forbid_nested);
        child_run(forbid_on_the_host);
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
                cmocka_unit_test(test_forbid_nested),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
