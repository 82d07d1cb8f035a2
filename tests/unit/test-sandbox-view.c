/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/failure.h"
#include "namespaces.h"
#include "sandbox/capabilities.h"
#include "sandbox/procfs.h"
#include "sandbox/view.h"
#include "tree.h"

static const TreeRow tree[] = {
        {"lib", ""},
        {"lib/module.py", "-"},
        {"secret", "-"},
        {"link", "lib"},
};

static const ViewPrivate plain = {.disk_bytes = 1 << 20, .uid = UINT32_MAX, .proc_fd = -1};

static bool exists(const char *path) {
        struct stat info;

        return lstat(path, &info) == 0;
}

/* A plan with the tree's lib, reached by its link, and the system's part. */
static ViewPlan *make_plan(void) {
        ViewPlan *plan = NULL;

        CHECK(view_plan_new(&plan) == 0 && view_plan_add_system(plan, NULL) == 0);
        CHECK(view_plan_add(plan, tree_path("link"), NULL) == 0);
        CHECK(view_plan_seal(plan, NULL) == 0);
        return plan;
}

static ViewPlan *enter(void) {
        Failure failure = FAILURE_NULL;
        ViewPlan *plan = make_plan();

        namespaces_unshare(CLONE_NEWNS);
        if (view_plan_apply(plan, &failure)) {
                (void)fprintf(stderr, "%s\n", failure.text);
                _exit(CHILD_FAILED);
        }
        return plan;
}

static unsigned int count_entries(const char *path) {
        DIR *directory = opendir(path);
        unsigned int n = 0;

        CHECK(directory);
        while (readdir(directory))
                ++n;
        (void)closedir(directory);
        return n;
}

static int shows_what_is_planned(void) {
        static const char *const hidden[] = {"/sys", "/home", "/root", "/var/lib",
                                             "/old", "/new",  "/run"};
        ViewPlan *plan = enter();
        char text[256] = "";
        int fd;

        CHECK(exists(tree_path("lib/module.py")));
        CHECK(access(tree_path("link/module.py"), R_OK) == 0);
        CHECK(!exists(tree_path("secret")));
        for (size_t i = 0; i < ARRAY_SIZE(hidden); ++i)
                CHECK(!exists(hidden[i]));
        fd = open("/etc/passwd", O_RDONLY);
        CHECK(read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "runner:x:1000"));
        fd = open("/dev/null", O_RDWR);
        CHECK(write(fd, "x", 1) == 1);
        CHECK(count_entries("/tmp") == 2 + (strncmp(tree_root, "/tmp", 4) == 0));
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

/* Not even the owner of the user namespace can write, or find the host again. */
static int is_read_only(void) {
        static const char *const places[] = {"/x", "/etc/x", "/usr/lib/x", "/dev/x", "/.spr/x"};
        ViewPlan *plan = enter();

        for (size_t i = 0; i < ARRAY_SIZE(places); ++i) {
                CHECK(open(places[i], O_WRONLY | O_CREAT, 0600) < 0);
                CHECK(errno == EROFS || errno == ENOENT || errno == EACCES);
        }
        CHECK(open(tree_path("lib/module.py"), O_WRONLY) < 0 && errno == EROFS);
        CHECK(chdir("/../../..") == 0 && !exists("proc/self"));
        CHECK(umount2("/", MNT_DETACH) < 0 || !exists("/proc/self"));
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

static int private_tmp(void) {
        ViewPlan *plan = enter();
        struct statvfs info;
        char cwd[64] = "";
        int fd;

        CHECK(view_enter_private(plan, &plain, NULL) == 0);
        CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/tmp") == 0);
        CHECK(statvfs("/tmp", &info) == 0 && info.f_blocks * (uint64_t)info.f_frsize == 1 << 20);
        CHECK((info.f_flag & (ST_NOEXEC | ST_NOSUID | ST_NODEV)) ==
              (ST_NOEXEC | ST_NOSUID | ST_NODEV));
        fd = open("file", O_RDWR | O_CREAT, 0600);
        CHECK(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
        for (unsigned int i = 0; i < 2 << 20 >> 12; ++i) {
                static const char page[4096];

                if (write(fd, page, sizeof(page)) < 0) {
                        CHECK(errno == ENOSPC && i <= 256);
                        break;
                }
        }
        CHECK(symlink("file", "link") == 0);
        CHECK(open("link", O_RDONLY) < 0 && errno == ELOOP);
        CHECK(access(tree_path("lib/module.py"), R_OK) == 0); /* also where the tree is in /tmp */
        CHECK(open(tree_path("lib/module.py"), O_WRONLY) < 0 && errno == EROFS);
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

static bool is_private(const char *path) {
        struct statvfs info;

        CHECK(statvfs(path, &info) == 0);
        return (info.f_flag & (ST_NOEXEC | ST_NOSUID | ST_NODEV)) ==
               (ST_NOEXEC | ST_NOSUID | ST_NODEV);
}

/* What nobody asked for is an empty place, and the stash holds nothing but the decoy. */
static int without_extras(void) {
        static const char *const empty[] = {"/usr/bin", "/proc", "/dev/shm"};
        ViewPlan *plan = enter();

        CHECK(access(VIEW_STASH "/0", F_OK) == 0 || count_entries(VIEW_STASH) > 3);
        CHECK(view_enter_private(plan, &plain, NULL) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(empty); ++i)
                CHECK(count_entries(empty[i]) == 2);
        CHECK(open("/dev/shm/x", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
        CHECK(count_entries(VIEW_STASH) == 3 && access(VIEW_DECOY, R_OK) == 0);
        CHECK(open(VIEW_STASH "/x", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

static int with_programs(void) {
        ViewPrivate private = plain;
        ViewPlan *plan = enter();
        int status = 0;

        private.programs = true;
        CHECK(view_enter_private(plan, &private, NULL) == 0);
        CHECK(count_entries("/usr/bin") > 20);
        CHECK(open("/usr/bin/x", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
        CHECK(count_entries(VIEW_STASH) == 3);
        if (fork() == 0) {
                (void)execl("/bin/true", "true", NULL);
                _exit(CHILD_FAILED);
        }
        CHECK(wait(&status) > 0 && status == 0);
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

static int with_shm(void) {
        ViewPrivate private = plain;
        ViewPlan *plan = enter();
        struct statvfs info;

        private.shm_bytes = 4 << 20;
        private.disk_bytes = 0; /* the least, and not as much as one likes */
        CHECK(view_enter_private(plan, &private, NULL) == 0);
        CHECK(statvfs("/dev/shm", &info) == 0);
        CHECK(info.f_blocks * (uint64_t)info.f_frsize == 4 << 20 && info.f_files == 16384);
        CHECK(is_private("/dev/shm") && is_private("/tmp"));
        CHECK(open("/dev/shm/x", O_WRONLY | O_CREAT, 0600) >= 0);
        CHECK(statvfs("/tmp", &info) == 0 && info.f_blocks == 1);
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

/* procfs wants the host's /proc in sight, so it comes before the view. */
static int with_proc(void) {
        ViewPrivate private = plain;
        int status = 0;

        namespaces_unshare(CLONE_NEWNS | CLONE_NEWPID);
        if (fork() == 0) {
                ViewPlan *plan = make_plan();

                if (procfs_open(&private.proc_fd, NULL))
                        _exit(CHILD_NO_NAMESPACES);
                CHECK(view_plan_apply(plan, NULL) == 0);
                CHECK(view_enter_private(plan, &private, NULL) == 0);
                CHECK(access("/proc/self/status", R_OK) == 0 && is_private("/proc"));
                CHECK(!exists("/proc/meminfo") && !exists("/proc/sys"));
                (void)view_plan_free(plan);
                _exit(CHILD_PASSED);
        }
        CHECK(wait(&status) > 0 && WIFEXITED(status));
        return WEXITSTATUS(status);
}

/* Its first bytes. */
static void read_text(const char *path, char text[static 256]) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, 255);

        text[n > 0 ? n : 0] = '\0';
        (void)close(fd);
}

static int with_network(void) {
        char before[256], text[256];
        ViewPlan *plan = NULL;

        read_text("/etc/hosts", before);
        if (!*before)
                return CHILD_PASSED;
        CHECK(view_plan_new(&plan) == 0 && view_plan_add_network(plan, NULL) == 0);
        CHECK(view_plan_seal(plan, NULL) == 0);
        namespaces_unshare(CLONE_NEWNS);
        CHECK(view_plan_apply(plan, NULL) == 0);
        read_text("/etc/hosts", text);
        CHECK(strcmp(text, before) == 0); /* not the synthetic one */
        read_text("/etc/passwd", text);
        CHECK(strstr(text, "runner:x:1000"));
        CHECK(!exists("/etc/ssl/private") && !exists("/etc/shadow"));
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

/* Two workers of one zygote do not see each other's /tmp. */
static int private_tmps_are_two(void) {
        ViewPlan *plan = enter();
        int status = 0;

        if (fork() == 0) {
                CHECK(view_enter_private(plan, &plain, NULL) == 0);
                CHECK(open("/tmp/file", O_WRONLY | O_CREAT, 0600) >= 0);
                _exit(CHILD_PASSED);
        }
        CHECK(wait(&status) > 0 && status == 0);
        CHECK(!exists("/tmp/file"));
        CHECK(view_enter_private(plan, &plain, NULL) == 0);
        CHECK(!exists("/tmp/file"));
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

static int refused(void) {
        Failure failure = FAILURE_NULL;
        ViewPlan *plan = make_plan();

        CHECK(capabilities_drop(NULL) == 0);
        CHECK(view_plan_apply(plan, &failure) == VIEW_E_REFUSED);
        CHECK(exists(tree_path("secret")));
        CHECK(view_enter_private(plan, &plain, &failure) < 0 && failure.text[0]);
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

/* Something planned that is gone by now: words, and not a world with holes. */
static int vanished(void) {
        Failure failure = FAILURE_NULL;
        ViewPlan *plan = make_plan();

        CHECK(rename(tree_path("lib"), tree_path("gone")) == 0);
        namespaces_unshare(CLONE_NEWNS);
        CHECK(view_plan_apply(plan, &failure) < 0);
        CHECK(strstr(failure.text, "cannot bind") && strstr(failure.text, tree_path("lib")));
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

static const ChildFn rows[] = {shows_what_is_planned,
                               is_read_only,
                               private_tmp,
                               private_tmps_are_two,
                               refused,
                               vanished,
                               without_extras,
                               with_programs,
                               with_shm,
                               with_proc,
                               with_network};

static void run_below(const char *parent, ChildFn row) {
        tree_new(parent, tree, ARRAY_SIZE(tree));
        child_run(row);
        tree_free();
}

static void test_below_var_tmp(void **state) {
        run_below("/var/tmp", *(const ChildFn *)*state);
}

static void test_below_tmp(void **state) {
        run_below("/tmp", *(const ChildFn *)*state);
}

int main(void) {
        struct CMUnitTest tests[ARRAY_SIZE(rows) * 2];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                void *row = (void *)(uintptr_t)&rows[i];

                tests[2 * i] =
                        (struct CMUnitTest){"below /var/tmp", test_below_var_tmp, NULL, NULL, row};
                tests[2 * i + 1] =
                        (struct CMUnitTest){"below /tmp", test_below_tmp, NULL, NULL, row};
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
