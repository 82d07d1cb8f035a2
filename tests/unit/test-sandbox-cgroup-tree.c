/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "groups.h"
#include "namespaces.h"
#include "sandbox/cgroup-tree.h"
#include "tree.h"

static bool exists(const char *path) {
        struct stat info;

        return lstat(path, &info) == 0;
}

/* In every hierarchy. */
static bool tree_exists(const CgroupTree *tree) {
        for (size_t i = 0; i < tree->n_parts; ++i)
                if (!exists(tree->parts[i].path))
                        return false;
        return true;
}

static bool tree_is_gone(const CgroupTree *tree) {
        for (size_t i = 0; i < tree->n_parts; ++i)
                if (exists(tree->parts[i].path))
                        return false;
        return true;
}

static int made_and_removed(void) {
        CgroupTree *tree = groups_tree();
        char name[32];

        (void)snprintf(name, sizeof(name), "/spr-%d", (int)getpid());
        CHECK(strstr(tree->parts[0].path, name));
        CHECK(tree_exists(tree));
        CHECK(!strncmp(cgroup_tree_describe(tree), "v1 memory,pids", 14) ||
              !strncmp(cgroup_tree_describe(tree), "v2 /", 4));
        cgroup_tree_remove(tree);
        CHECK(tree_is_gone(tree));
        cgroup_tree_remove(tree); /* that there is none is no trouble */
        (void)cgroup_tree_free(tree);
        return CHILD_PASSED;
}

/* By a stub that has closed everything, with a process left in a group of its dead agent. */
static int removed_by_path(void) {
        CgroupTree *tree;
        pid_t pid;

        if (child_lacks_pidfds())
                return CHILD_ON_VALGRIND;
        tree = groups_tree();
        pid = groups_member(groups_new(tree, 1, (CgroupLimits){.n_tasks = 8}), NULL);
        if (syscall(SYS_close_range, 3u, UINT_MAX, 0u) < 0)
                for (int fd = 3; fd < 1024; ++fd)
                        (void)close(fd);
        cgroup_tree_remove(tree);
        CHECK(tree_is_gone(tree));
        CHECK(groups_was_killed(groups_wait(pid)));
        return CHILD_PASSED;
}

/* What a stub leaves that was killed with its agent goes when the next one comes. */
static int stale_goes(void) {
        CgroupTree *next;
        int answers[2];
        CgroupPart part;
        pid_t pid;

        if (child_lacks_pidfds())
                return CHILD_ON_VALGRIND;
        CHECK(pipe(answers) == 0);
        pid = fork();
        if (pid == 0) {
                CgroupTree *tree = groups_tree();

                groups_outlive = true;
                (void)groups_member(groups_new(tree, 1, (CgroupLimits){.n_tasks = 8}), NULL);
                CHECK(write(answers[1], &tree->parts[0], sizeof(part)) == sizeof(part));
                CHECK(kill(getpid(), SIGKILL) == 0);
        }
        (void)close(answers[1]);
        if (read(answers[0], &part, sizeof(part)) != sizeof(part))
                return WEXITSTATUS(groups_wait(pid));
        CHECK(exists(part.path));
        CHECK(groups_was_killed(groups_wait(pid)));
        next = groups_tree();
        CHECK(!exists(part.path));
        return groups_done(next);
}

/* A pid means another process in another pid namespace, or none: the lock tells who lives. */
static int living_stays(void) {
        CgroupTree *tree = groups_tree();
        int status;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                namespaces_unshare(CLONE_NEWPID);
                pid = fork();
                if (pid == 0) {
                        CgroupTree *other = groups_tree(); /* it is 1 there, and nobody else is */

                        CHECK(tree_exists(tree) && tree_exists(other));
                        _exit(groups_done(other));
                }
                status = groups_wait(pid);
                _exit(WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_FAILED);
        }
        status = groups_wait(pid);
        CHECK(tree_exists(tree));
        (void)groups_done(tree);
        return WEXITSTATUS(status);
}

/* Two that have the same pid in namespaces of their own. */
static int same_pid(void) {
        int wait_for[2], go[2];
        pid_t pids[2];
        char byte;

        CHECK(pipe(wait_for) == 0 && pipe(go) == 0);
        for (size_t i = 0; i < 2; ++i) {
                pids[i] = fork();
                if (pids[i] == 0) {
                        CgroupTree *tree;

                        namespaces_unshare(CLONE_NEWPID);
                        pids[i] = fork();
                        (void)close(go[1]);
                        if (pids[i] > 0)
                                _exit(WEXITSTATUS(groups_wait(pids[i])));
                        tree = groups_tree();
                        CHECK(write(wait_for[1], "r", 1) == 1);
                        CHECK(read(go[0], &byte, 1) == 0 && tree_exists(tree));
                        _exit(groups_done(tree));
                }
        }
        (void)close(wait_for[1]);
        (void)close(go[0]);
        for (size_t i = 0; i < 2; ++i) /* both have theirs, or have ended */
                if (read(wait_for[0], &byte, 1) != 1)
                        break;
        (void)close(go[1]);
        for (size_t i = 0; i < 2; ++i) {
                int status = groups_wait(pids[i]);

                if (!WIFEXITED(status) || WEXITSTATUS(status) != CHILD_PASSED)
                        return WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_FAILED;
        }
        return CHILD_PASSED;
}

/* Texts of /proc that lie: nothing is made of directories that are no control groups. */
typedef struct RefusedRow {
        const char *name, *mountinfo, *membership, *controllers, *words;
} RefusedRow;

static const RefusedRow refused[] = {
        {"nothing is mounted", "", "0::/\n", "",
         "no control groups with the controller 'memory' are mounted"},
        {"v1 without pids", "1 2 0:3 / %s/v1 rw - cgroup c rw,memory\n", "1:memory:/\n", "",
         "no control groups with the controller 'pids' are mounted"},
        {"v2 without controllers", "1 2 0:3 / %s/v2 rw - cgroup2 c rw\n", "0::/\n", "cpuset\n",
         "no control groups with the controller 'memory' are mounted"},
        {"v1 is none", "1 2 0:3 / %s/v1 rw - cgroup c rw,memory,pids\n", "1:memory,pids:/\n", "",
         "this is no control group"},
        {"v2 is none", "1 2 0:3 / %s/v2 rw - cgroup2 c rw\n", "0::/\n", "cpu memory pids\n",
         "cannot make a control group in"},
        {"v1 is not there", "1 2 0:3 / %s/none rw - cgroup c rw,memory,pids\n",
         "1:memory,pids:/x\n", "", "cannot make a control group in"},
};

static void put(const char *name, const char *text) {
        FILE *file = fopen(tree_path(name), "we");

        assert_non_null(file);
        assert_true(fprintf(file, "%s", text) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void test_refused(void **state) {
        static const TreeRow tree[] = {
                {"proc", ""},
                {"proc/self", ""},
                {"v1", ""},
                {"v2", ""},
        };
        const RefusedRow *row = *state;
        const char *place = strstr(row->mountinfo, "%s");
        Failure failure = FAILURE_NULL;
        CgroupTree *made = NULL;
        char text[512] = "";

        tree_new("/tmp", tree, ARRAY_SIZE(tree));
        if (place)
                (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - row->mountinfo),
                               row->mountinfo, tree_root, place + 2);
        put("proc/self/mountinfo", text);
        put("proc/self/cgroup", row->membership);
        put("v2/cgroup.controllers", row->controllers);
        put("v2/cgroup.subtree_control", row->controllers);
        assert_int_equal(cgroup_tree_new(&made, tree_path(""), tree_path("proc"), &failure),
                         CGROUP_E_NONE);
        assert_null(made);
        assert_non_null(strstr(failure.text, row->words));
        assert_int_equal(rmdir(tree_path("v1")), 0); /* empty */
        assert_int_equal(unlink(tree_path("v2/cgroup.controllers")), 0);
        assert_int_equal(unlink(tree_path("v2/cgroup.subtree_control")), 0);
        assert_int_equal(rmdir(tree_path("v2")), 0);
        tree_free();
}

static void test_no_proc(void **state) {
        Failure failure = FAILURE_NULL;
        CgroupTree *tree = NULL;

        (void)state;
        assert_int_equal(cgroup_tree_new(&tree, "/sys/fs/cgroup", "/nonexistent", &failure),
                         CGROUP_E_NONE);
        assert_non_null(strstr(failure.text, "cannot open '/nonexistent/self/mountinfo'"));
        assert_null(cgroup_tree_free(NULL));
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

#define ROW(fn)                                                                                    \
        {                                                                                          \
#fn, run_row, NULL, NULL, &(ChildFn) {                                             \
                        fn                                                                         \
                }                                                                                  \
        }

int main(void) {
        struct CMUnitTest tests[6 + ARRAY_SIZE(refused)] = {
                cmocka_unit_test(test_no_proc),
                ROW(made_and_removed),
                ROW(removed_by_path),
                ROW(stale_goes),
                ROW(living_stays),
                ROW(same_pid),
        };

        for (size_t i = 0; i < ARRAY_SIZE(refused); ++i)
                tests[6 + i] = (struct CMUnitTest){refused[i].name, test_refused, NULL, NULL,
                                                   (void *)(uintptr_t)&refused[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
