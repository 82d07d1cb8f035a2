/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "child.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup-remove.h"
#include "tree.h"

/* Directories stand in for groups here; test-sandbox-cgroup-tree.c has real ones. */

static pid_t dead_pid(void) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        return pid;
}

static bool exists(const char *name) {
        struct stat info;

        return lstat(tree_path(name), &info) == 0;
}

static const char *tree_of(pid_t pid, const char *rest) {
        static char names[4][64];
        static unsigned int next;
        char *name = names[next++ % ARRAY_SIZE(names)];

        (void)snprintf(name, sizeof(names[0]), "spr-%d%s", (int)pid, rest);
        return name;
}

static void test_names(void **state) {
        static const struct {
                const char *name;
                pid_t pid;
        } table[] = {
                {"spr-1", 1},     {"spr-4194304", 4194304},
                {"spr-12-3", 12}, {"spr-host", 0},
                {"spr-", 0},      {"spr-0", 0},
                {"spr- 1", 0},    {"spr-1x", 0},
                {"spr-1-", 0},    {"spr-1-x", 0},
                {"spr-1-2-3", 0}, {"spr--1", 0},
                {"xspr-1", 0},    {"spr", 0},
                {"", 0},          {"spr-99999999999", 0},
                {"spr-1- 2", 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                pid_t pid = 0;

                assert_int_equal(cgroup_name_is_tree(table[i].name, &pid), table[i].pid != 0);
                assert_int_equal(pid, table[i].pid);
        }
}

static void test_remove(void **state) {
        static const TreeRow rows[] = {
                {"spr-1", ""},     {"spr-1/1", ""}, {"spr-1/2", ""}, {"other", ""},
                {"link", "other"}, {"full", ""},    {"full/1", ""},  {"full/1/1", ""},
        };
        int fd;

        (void)state;
        tree_new("/tmp", rows, ARRAY_SIZE(rows));
        fd = cgroup_directory_open(tree_path(""));
        assert_int_equal(cgroup_remove(fd, "spr-1", 0), 0);
        assert_false(exists("spr-1"));
        assert_int_equal(cgroup_remove(fd, "spr-1", 0), 0);
        assert_true(cgroup_remove(fd, "link", 0) < 0);
        assert_true(exists("other") && exists("link"));
        assert_true(cgroup_remove(fd, "full", 0) < 0);
        assert_true(exists("full/1/1"));
        (void)fd_close(fd);
        tree_free();
}

/* Only what nobody uses: neither by its process nor by the lock. */
static void test_stale(void **state) {
        pid_t first = dead_pid(), second = dead_pid(), third = dead_pid();
        int fd, lock_fd;

        (void)state;
        tree_new("/tmp", (const TreeRow[]){{"spr-host", ""}, {"elsewhere", ""}}, 2);
        assert_int_equal(mkdir(tree_path(tree_of(first, "")), 0755), 0);
        assert_int_equal(mkdir(tree_path(tree_of(first, "/7")), 0755), 0);
        assert_int_equal(mkdir(tree_path(tree_of(first, "-1")), 0755), 0);
        assert_int_equal(mkdir(tree_path(tree_of(second, "")), 0755), 0);
        assert_int_equal(mkdir(tree_path(tree_of(getpid(), "")), 0755), 0);
        assert_int_equal(symlink("elsewhere", tree_path(tree_of(third, ""))), 0);
        lock_fd = open(tree_path(tree_of(second, "")), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(flock(lock_fd, LOCK_EX), 0);
        fd = cgroup_directory_open(tree_path(""));
        cgroup_remove_stale(fd);
        assert_false(exists(tree_of(first, "")) || exists(tree_of(first, "-1")));
        assert_true(exists(tree_of(second, "")) && exists(tree_of(getpid(), "")));
        assert_true(exists(tree_of(third, "")) && exists("elsewhere") && exists("spr-host"));
        (void)fd_close(lock_fd);
        cgroup_remove_stale(fd);
        assert_false(exists(tree_of(second, "")));
        (void)fd_close(fd);
        tree_free();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_remove),
                cmocka_unit_test(test_stale),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
