/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/failure.h"
#include "base/fd.h"
#include "child.h"
#include "sandbox/cgroup-delegation.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup.h"
#include "tree.h"

#define USER 65534

/* Directories stand in for groups: what is written to a file replaces its text, so that "+cpu" is
 * left where all that were missing have been enabled. Moving processes wants a kernel. */
typedef struct FindRow {
        const char *name;
        uid_t uid;                 /* who looks */
        const char *group;         /* where it lives; NULL: not known */
        uid_t owner;               /* of that group */
        bool marked;               /* by systemd */
        const char *top, *enabled; /* enabled at the top, and in the group */
        const char *controllers;   /* to be had in the group */
        const char *path;          /* what is found; NULL: nothing */
        const char *words;         /* then why */
        const char *written;       /* to the file of the place that is found */
} FindRow;

#define ALL "cpuset cpu memory pids\n"

static const FindRow rows[] = {
        {"root, as systemd leaves it", 0, "/a", 0, false, "memory pids\n", "", ALL, "", NULL,
         "memory pids\n"},
        {"root, group unknown", 0, NULL, 0, false, "cpu memory pids\n", "", ALL, "", NULL,
         "cpu memory pids\n"},
        {"root, not enabled, not ours", 0, "/a", 0, false, "cpu memory\n", "", ALL, NULL,
         "memory or pids are not enabled in", NULL},
        {"root, not enabled, unknown", 0, NULL, 0, false, "", "", ALL, NULL,
         "memory or pids are not enabled in", NULL},
        {"root, at home at the top", 0, "", 0, false, "", "", ALL, "", NULL, "+cpu"},
        {"root, delegated by systemd", 0, "/a", 0, true, "memory pids\n", "", ALL, "/a", NULL,
         "+cpu"},
        {"root, in a user's group", 0, "/a", USER, false, "memory pids\n", "", ALL, "", NULL,
         "memory pids\n"},
        {"user, own group", USER, "/a", USER, false, "", "", ALL, "/a", NULL, "+cpu"},
        {"user, own group, enabled", USER, "/a", USER, false, "", ALL, ALL, "/a", NULL, ALL},
        {"user, moved down before", USER, "/a/spr-host", USER, false, "", ALL, ALL, "/a", NULL,
         ALL},
        {"user, root's group", USER, "/a", 0, false, ALL, ALL, ALL, NULL, "is not delegated", NULL},
        {"user, group unknown", USER, NULL, USER, false, ALL, ALL, ALL, NULL, "is not delegated",
         NULL},
        {"user, without pids", USER, "/a", USER, false, ALL, "", "cpu memory\n", NULL,
         "memory or pids are not delegated", NULL},
        {"user, group is gone", USER, "/gone", USER, false, ALL, "", ALL, NULL, "is not delegated",
         NULL},
};

static void put(const char *name, const char *text, uid_t owner) {
        const char *path = tree_path(name);
        int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

        CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
        CHECK(close(fd) == 0 && chown(path, owner, owner) == 0);
}

static void populate(const FindRow *row) {
        put("cgroup.subtree_control", row->top, 0);
        put("cgroup.controllers", ALL, 0);
        put("a/cgroup.subtree_control", row->enabled, row->owner);
        put("a/cgroup.controllers", row->controllers, row->owner);
        CHECK(chown(tree_path("a"), row->owner, row->owner) == 0);
        (void)removexattr(tree_path("a"), "trusted.delegate");
        if (row->marked && setxattr(tree_path("a"), "trusted.delegate", "1", 1, 0) < 0)
                _exit(CHILD_NO_CAPABILITIES);
}

static const FindRow *current;

static int find(void) {
        CgroupPlace place = {.mounted = true, .group_known = current->group != NULL};
        Failure failure = FAILURE_NULL;
        char path[CGROUP_PATH_MAX], text[64] = "";
        int fd, r;

        if (geteuid() != 0)
                return CHILD_NOT_ROOT;
        populate(current);
        CHECK(setresuid(current->uid, current->uid, 0) == 0);
        (void)snprintf(place.mount, sizeof(place.mount), "%s", tree_root);
        (void)snprintf(place.group, sizeof(place.group), "%s",
                       current->group ? current->group : "");
        r = cgroup_delegation_find(&place, path, &failure);
        if (!current->path) {
                CHECK(r == CGROUP_E_NONE && strstr(failure.text, current->words));
                return CHILD_PASSED;
        }
        CHECK(r == 0);
        CHECK(strcmp(path + strlen(tree_root), current->path) == 0);
        fd = cgroup_directory_open(path);
        CHECK(cgroup_file_read(fd, "cgroup.subtree_control", text, sizeof(text)) >= 0);
        CHECK(strncmp(text, current->written, strlen(current->written)) == 0);
        (void)fd_close(fd);
        return CHILD_PASSED;
}

static void test_find(void **state) {
        current = *state;
        child_run(find);
}

static int setup(void **state) {
        static const TreeRow tree[] = {
                {"cgroup.controllers", "-"},   {"cgroup.subtree_control", "-"},   {"a", ""},
                {"a/cgroup.controllers", "-"}, {"a/cgroup.subtree_control", "-"}, {"b", ""},
        };

        (void)state;
        tree_new("/tmp", tree, ARRAY_SIZE(tree));
        return chmod(tree_root, 0755);
}

static int teardown(void **state) {
        (void)state;
        tree_free();
        return 0;
}

int main(void) {
        struct CMUnitTest tests[ARRAY_SIZE(rows)];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                tests[i] = (struct CMUnitTest){rows[i].name, test_find, NULL, NULL,
                                               (void *)(uintptr_t)&rows[i]};
        return cmocka_run_group_tests(tests, setup, teardown);
}
