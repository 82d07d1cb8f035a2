/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/work-dir.h"
#include "base/clock.h"
#include "base/failure.h"
#include "child.h"
#include "sandbox/credentials.h"

static bool exists(const char *path) {
        struct stat info;

        return lstat(path, &info) == 0;
}

/* A fresh directory, entered, as its run would be; as an ordinary user, whom modes bind. */
static WorkDir begin(void) {
        WorkDir directory = WORK_DIR_NULL;

        if (geteuid() == 0)
                CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
        CHECK(work_dir_init(&directory, UID_STAY, NULL) == 0);
        CHECK(fchdir(directory.fd) == 0);
        return directory;
}

static int end(WorkDir *directory) {
        char path[sizeof(directory->path)];

        memcpy(path, directory->path, sizeof(path));
        CHECK(work_dir_remove(directory, UINT64_MAX));
        CHECK(directory->fd == -1 && !directory->path[0]);
        CHECK(!exists(path));
        CHECK(work_dir_remove(directory, 0)); /* a dead one is accepted */
        return CHILD_PASSED;
}

static void make_file(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        CHECK(fd >= 0);
        (void)close(fd);
}

static int is_private(void) {
        WorkDir directory = begin();
        struct stat info;

        CHECK(stat(directory.path, &info) == 0 && (info.st_mode & 07777) == 0700);
        CHECK(info.st_uid == geteuid());
        CHECK(fcntl(directory.fd, F_GETFD) == FD_CLOEXEC);
        return end(&directory);
}

static int modes(void) {
        WorkDir directory = begin();

        CHECK(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && mkdir("a/b/c", 0700) == 0);
        make_file("a/b/c/file");
        make_file("a/file");
        CHECK(chmod("a/file", 0) == 0);
        CHECK(chmod("a/b/c", 0500) == 0); /* readable, but nothing in it can be removed */
        CHECK(chmod("a/b", 0) == 0);      /* nor read */
        CHECK(chmod("a", 0100) == 0);
        CHECK(chmod(".", 0) == 0);
        return end(&directory);
}

static int names(void) {
        static const char *const rows[] = {"-rf",     "*",  " ",  "\n",   "\xff\xfe", "...",
                                           ".hidden", ".0", ".1", "%s%n", "$(id)",    "~"};
        WorkDir directory = begin();
        char name[300];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                CHECK(mkdir(rows[i], 0700) == 0);
                (void)snprintf(name, sizeof(name), "%s/%s", rows[i], rows[i]);
                CHECK(mkdir(name, 0700) == 0);
                (void)snprintf(name, sizeof(name), "%s/%s/x", rows[i], rows[i]);
                make_file(name);
        }
        memset(name, 'n', 255);
        name[255] = '\0';
        make_file(name);
        return end(&directory);
}

/* Links to what is outside are removed, and what they name is not touched. */
static int links(void) {
        WorkDir directory = begin(), outside = WORK_DIR_NULL;
        char target[64];
        struct stat info;

        CHECK(work_dir_init(&outside, UID_STAY, NULL) == 0);
        (void)snprintf(target, sizeof(target), "%s/precious", outside.path);
        make_file(target);
        CHECK(chmod(target, 0400) == 0);
        CHECK(symlink(target, "file") == 0 && symlink(outside.path, "directory") == 0);
        CHECK(symlink("/", "root") == 0 && symlink("..", "up") == 0 &&
              symlink("loop", "loop") == 0);
        CHECK(mkdir("d", 0700) == 0 && symlink(outside.path, "d/directory") == 0);
        CHECK(link(target, "hard") == 0 || errno == EPERM);
        CHECK(mkfifo("fifo", 0600) == 0);
        CHECK(end(&directory) == CHILD_PASSED);
        CHECK(stat(target, &info) == 0 && (info.st_mode & 07777) == 0400);
        CHECK(chmod(target, 0600) == 0);
        return end(&outside);
}

/* Deeper than any path can say and any stack can follow. */
static int depth(void) {
        WorkDir directory = begin();

        for (unsigned int i = 0; i < 3000; ++i)
                CHECK(mkdir("d", 0700) == 0 && chdir("d") == 0);
        make_file("bottom");
        return end(&directory);
}

static int width(void) {
        WorkDir directory = begin();
        char name[32];

        for (unsigned int i = 0; i < 600; ++i) {
                (void)snprintf(name, sizeof(name), "%u", i);
                CHECK(mkdir(name, 0700) == 0);
                (void)snprintf(name, sizeof(name), "%u/d", i);
                CHECK(mkdir(name, 0700) == 0);
                (void)snprintf(name, sizeof(name), "%u/d/f", i);
                make_file(name);
        }
        return end(&directory);
}

/* The run puts something else where its directory was: that is not emptied in its stead. */
static int swapped(void) {
        WorkDir directory = begin(), outside = WORK_DIR_NULL;
        char precious[64], moved[64], path[sizeof(directory.path)];

        CHECK(work_dir_init(&outside, UID_STAY, NULL) == 0);
        (void)snprintf(precious, sizeof(precious), "%s/precious", outside.path);
        (void)snprintf(moved, sizeof(moved), "%s-moved", directory.path);
        make_file(precious);
        make_file("file");
        CHECK(rename(directory.path, moved) == 0);
        CHECK(symlink(outside.path, directory.path) == 0);
        memcpy(path, directory.path, sizeof(path));
        CHECK(work_dir_remove(&directory, UINT64_MAX));
        CHECK(exists(precious));
        CHECK(unlink(path) == 0);
        CHECK(rmdir(moved) == 0); /* it was emptied where it is */
        CHECK(unlink(precious) == 0);
        return end(&outside);
}

/* Many files are removed in pieces, none of which takes long, and all are. */
static int in_pieces(void) {
        WorkDir directory = begin();
        char name[32], path[sizeof(directory.path)];
        unsigned int pieces = 1;

        CHECK(mkdir("below", 0700) == 0);
        for (unsigned int i = 0; i < 5000; ++i) {
                (void)snprintf(name, sizeof(name), "below/%u", i);
                make_file(name);
        }
        memcpy(path, directory.path, sizeof(path));
        while (!work_dir_remove(&directory, clock_now_ns() + NSEC_PER_MSEC / 2))
                ++pieces;
        CHECK(pieces > 1 && !exists(path) && directory.fd == -1);
        return CHILD_PASSED;
}

static int for_a_leased_uid(void) {
        WorkDir directory = WORK_DIR_NULL;
        struct stat info;

        if (credentials_probe() <= 0)
                return CHILD_NOT_ROOT;
        CHECK(work_dir_init(&directory, UID_LEASE_BASE, NULL) == 0);
        CHECK(stat(directory.path, &info) == 0 && info.st_uid == UID_LEASE_BASE);
        return end(&directory);
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {is_private, modes,   names,     links,           depth,
                                 width,      swapped, in_pieces, for_a_leased_uid};
        static const char *const words[] = {"is_private", "modes",     "names",
                                            "links",      "depth",     "width",
                                            "swapped",    "in_pieces", "for_a_leased_uid"};
        struct CMUnitTest tests[ARRAY_SIZE(rows)];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                tests[i] = (struct CMUnitTest){words[i], run_row, NULL, NULL, &rows[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
