/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/cgroup-delegation.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup.h"

#define CONTROLLERS "cgroup.controllers"
#define ENABLED     "cgroup.subtree_control"
#define PROCESSES   "cgroup.procs"

/* Processes that start while we move the others: a bound for those that never stop. */
#define VACATE_ROUNDS 16

static int refuse(Failure *failure, int code, const char *why, const char *path) {
        if (code)
                (void)failure_errno(failure, FAILURE_STAGE_SANDBOX, code, "%s '%.300s'", why, path);
        else
                (void)failure_set(failure, FAILURE_STAGE_SANDBOX, 0, "%s '%.300s'", why, path);
        return CGROUP_E_NONE;
}

int cgroup_delegation_enable(int dir_fd) {
        for (CgroupRole role = 0; role < _CGROUP_ROLE_N; ++role) {
                char word[16];
                int r;

                if (cgroup_file_has(dir_fd, ENABLED, cgroup_role_name(role)))
                        continue;
                (void)snprintf(word, sizeof(word), "+%s", cgroup_role_name(role));
                r = cgroup_file_write(dir_fd, ENABLED, word);
                if (r && role != CGROUP_CPU)
                        return r;
        }
        return 0;
}

static bool delegation_has(int dir_fd, const char *file) {
        return cgroup_file_has(dir_fd, file, cgroup_role_name(CGROUP_MEMORY)) &&
               cgroup_file_has(dir_fd, file, cgroup_role_name(CGROUP_PIDS));
}

/* systemd marks what it delegates; without it, the owner tells, but everything is root's. */
static bool delegation_is_ours(int dir_fd) {
        static const char *const marks[] = {"user.delegate", "trusted.delegate"};
        struct stat info;
        char value = 0;

        for (size_t i = 0; i < ARRAY_SIZE(marks); ++i)
                if (fgetxattr(dir_fd, marks[i], &value, 1) == 1 && value == '1')
                        return true;
        return geteuid() != 0 && fstat(dir_fd, &info) == 0 && info.st_uid == geteuid();
}

/* Moves every process of the list; those that have ended meanwhile are gone, too. */
static int delegation_move(int procs_fd, const char *list) {
        uint64_t pid;

        while (decimal_take(&list, &pid)) {
                char text[24];
                ssize_t n;

                if (pid == 0)
                        return -EBUSY; /* of a pid namespace that we do not see */
                (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)pid);
                n = fd_write(procs_fd, text, strlen(text));
                if (n < 0 && n != -ESRCH)
                        return (int)n;
                list += *list == '\n';
        }
        return 0;
}

static int delegation_vacate(int dir_fd) {
        _cleanup_(closep) int procs_fd = -1;
        char list[4096];

        if (mkdirat(dir_fd, CGROUP_DELEGATION_LEAF, 0755) < 0 && errno != EEXIST)
                return -errno;
        procs_fd = openat(dir_fd, CGROUP_DELEGATION_LEAF "/" PROCESSES,
                          O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        if (procs_fd < 0)
                return -errno;
        for (unsigned int round = 0; round < VACATE_ROUNDS; ++round) {
                ssize_t n = cgroup_file_read(dir_fd, PROCESSES, list, sizeof(list));
                char *end;
                int r;

                if (n <= 0)
                        return (int)n;
                end = strrchr(list, '\n'); /* the last number may be cut */
                if (end)
                        end[1] = '\0';
                r = delegation_move(procs_fd, list);
                if (r)
                        return r;
        }
        return -EBUSY;
}

static int delegation_take(int dir_fd, const char *path, Failure *failure) {
        int r;

        if (!delegation_has(dir_fd, CONTROLLERS))
                return refuse(failure, 0, "memory or pids are not delegated to the control group",
                              path);
        r = cgroup_delegation_enable(dir_fd);
        if (r == -EBUSY) {
                r = delegation_vacate(dir_fd);
                if (r) {
                        (void)unlinkat(dir_fd, CGROUP_DELEGATION_LEAF, AT_REMOVEDIR); /* if empty */
                        return refuse(failure, -r, "cannot move the processes of the control group",
                                      path);
                }
                r = cgroup_delegation_enable(dir_fd);
        }
        if (r)
                return refuse(failure, -r, "cannot enable controllers in the control group", path);
        return 0;
}

/* The top of what this mount shows: as it is, or, where we live in it, with what it lacks. */
static int delegation_take_top(const CgroupPlace *place, Failure *failure) {
        _cleanup_(closep) int fd = -1;
        int r;

        fd = cgroup_directory_open(place->mount);
        if (fd < 0)
                return refuse(failure, -fd, "cannot open the control group", place->mount);
        if (delegation_has(fd, ENABLED))
                return 0;
        if (!place->group_known || place->group[0])
                return refuse(failure, 0, "memory or pids are not enabled in the control group",
                              place->mount);
        r = cgroup_delegation_enable(fd);
        if (r == -EBUSY)
                return refuse(failure, 0, "there are processes in the undelegated control group",
                              place->mount);
        if (r)
                return refuse(failure, -r, "cannot enable controllers in the control group",
                              place->mount);
        return 0;
}

/* The path of the own group, or of the one it was moved down from. */
static bool delegation_path(const CgroupPlace *place, char path[static CGROUP_PATH_MAX]) {
        static const char leaf[] = "/" CGROUP_DELEGATION_LEAF;
        size_t length = strlen(place->group);
        int n;

        if (!place->group_known)
                return false;
        if (length >= sizeof(leaf) - 1 && !strcmp(place->group + length - (sizeof(leaf) - 1), leaf))
                length -= sizeof(leaf) - 1;
        n = snprintf(path, CGROUP_PATH_MAX, "%s%.*s", place->mount, (int)length, place->group);
        return n >= 0 && n < CGROUP_PATH_MAX;
}

int cgroup_delegation_find(const CgroupPlace *place,
                           char path[static CGROUP_PATH_MAX],
                           Failure *failure) {
        _cleanup_(closep) int fd = -1;

        if (delegation_path(place, path)) {
                fd = cgroup_directory_open(path);
                if (fd >= 0 && delegation_is_ours(fd))
                        return delegation_take(fd, path, failure);
        } else {
                (void)snprintf(path, CGROUP_PATH_MAX, "%s", place->mount);
        }
        if (geteuid() != 0)
                return refuse(failure, 0,
                              "the control group of this process is not delegated:", path);
        (void)snprintf(path, CGROUP_PATH_MAX, "%s", place->mount);
        return delegation_take_top(place, failure);
}
