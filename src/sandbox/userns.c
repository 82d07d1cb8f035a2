/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/userns.h"

static int userns_write(const char *path, const char *text, size_t length) {
        _cleanup_(closep) int fd = -1;
        ssize_t n;

        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = fd_write(fd, text, length); /* a map must arrive in one write */
        return n < 0 ? (int)n : 0;
}

static size_t userns_format_id(char *text, uint32_t id) {
        char digits[10];
        size_t n = 0;

        do
                digits[n++] = (char)('0' + id % 10);
        while (id /= 10);
        for (size_t i = 0; i < n; ++i)
                text[i] = digits[n - 1 - i];
        return n;
}

static int userns_map_id(const char *path, uint32_t id) {
        char text[32];
        size_t n;

        n = userns_format_id(text, id);
        text[n++] = ' ';
        n += userns_format_id(text + n, id);
        memcpy(text + n, " 1", 2);
        return userns_write(path, text, n + 2);
}

/* The host's first namespace has a fixed number: its limits are everybody's. */
static bool userns_is_initial(void) {
        static const char initial[] = "user:[4026531837]";
        char name[sizeof(initial)];
        ssize_t n;

        n = readlink("/proc/self/ns/user", name, sizeof(name));
        return n < 0 || ((size_t)n == sizeof(initial) - 1 && !memcmp(name, initial, (size_t)n));
}

static bool userns_reads_zero(const char *path) {
        _cleanup_(closep) int fd = -1;
        char text[2] = "";

        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd >= 0 && fd_read(fd, text, sizeof(text)) > 0 && text[0] == '0';
}

bool userns_forbid_nested(void) {
        static const char *const paths[] = {
                "/proc/sys/user/max_user_namespaces",
                "/proc/sys/user/max_time_namespaces", /* Linux 5.6 */
        };

        if (userns_is_initial())
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(paths); ++i)
                (void)userns_write(paths[i], "0", 1); /* read back below */
        return userns_reads_zero(paths[0]);
}

/* "INSIDE OUTSIDE COUNT" per line; what is inside here is outside there. */
static int userns_copy_map(pid_t pid, const char *name) {
        char path[64], text[4096], map[4096];
        unsigned long long inside, count;
        _cleanup_(closep) int fd = -1;
        size_t length = 0;
        ssize_t n;
        char *at;

        (void)snprintf(path, sizeof(path), "/proc/self/%s", name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -errno : fd_read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return (int)n;
        text[n] = '\0';
        for (at = text; *at;) {
                inside = strtoull(at, &at, 10);
                (void)strtoull(at, &at, 10);
                count = strtoull(at, &at, 10);
                length += (size_t)snprintf(map + length, sizeof(map) - length, "%llu %llu %llu\n",
                                           inside, inside, count);
                at += strspn(at, " \n");
                if (length >= sizeof(map))
                        return -E2BIG;
        }
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        return userns_write(path, map, length);
}

int userns_map_as_here(pid_t pid) {
        int r;

        r = userns_copy_map(pid, "uid_map");
        return r ? r : userns_copy_map(pid, "gid_map");
}

int userns_map_self(uid_t uid, gid_t gid, Failure *failure) {
        int r;

        r = userns_write("/proc/self/setgroups", "deny", 4);
        if (r && r != -ENOENT)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot deny setgroups");
        r = userns_map_id("/proc/self/uid_map", uid);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot map the uid");
        r = userns_map_id("/proc/self/gid_map", gid);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot map the gid");
        return 0;
}
