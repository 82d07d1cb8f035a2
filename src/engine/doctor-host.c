/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/fd.h"
#include "engine/doctor-host.h"

static bool host_path(char path[static PATH_MAX], const char *root, const char *name) {
        int n = snprintf(path, PATH_MAX, "%s%s", root, name);

        return n > 0 && n < PATH_MAX;
}

static bool host_has(const char *root, const char *name) {
        char path[PATH_MAX];

        return host_path(path, root, name) && access(path, F_OK) == 0;
}

/* The beginning of a file, without the newlines at its end; empty where it cannot be read. */
static bool host_read(const char *root, const char *name, char *text, size_t size) {
        _cleanup_(closep) int fd = -1;
        char path[PATH_MAX];
        ssize_t n;

        text[0] = '\0';
        if (!host_path(path, root, name))
                return false;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        n = fd < 0 ? -1 : fd_read(fd, text, size - 1);
        if (n < 0)
                return false;
        while (n > 0 && text[n - 1] == '\n')
                --n;
        text[n] = '\0';
        return true;
}

static bool host_says(const char *root, const char *name, const char *word) {
        char text[32];

        return host_read(root, name, text, sizeof(text)) && strcmp(text, word) == 0;
}

/* The line "Seccomp:" of a status file: 2 where filters are in force. */
static bool host_is_filtered(const char *root) {
        char text[8192];
        const char *line;
        uint64_t mode;

        if (!host_read(root, "/proc/self/status", text, sizeof(text)))
                return false;
        line = strstr(text, "\nSeccomp:");
        if (!line)
                return false;
        line += strlen("\nSeccomp:");
        return decimal_take(&line, &mode) && mode == 2;
}

static unsigned int host_version(const char *release) {
        uint64_t major, minor;

        if (!decimal_take(&release, &major) || *release++ != '.' ||
            !decimal_take(&release, &minor) || major > 999 || minor > 99)
                return 0;
        return (unsigned int)(major * 100 + minor);
}

void doctor_host_read(DoctorHost *host, const char *root, uid_t uid) {
        *host = (DoctorHost){
                .root = uid == 0,
                .container = host_has(root, "/.dockerenv") || host_has(root, "/run/.containerenv"),
                .filtered = host_is_filtered(root),
                .systemd = host_has(root, "/run/systemd/system"),
                .apparmor_restricts = host_says(
                        root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
                .userns_clone_is_off =
                        host_says(root, "/proc/sys/kernel/unprivileged_userns_clone", "0"),
                .userns_max_is_zero = host_says(root, "/proc/sys/user/max_user_namespaces", "0"),
        };
        host->lsm_is_known =
                host_read(root, "/sys/kernel/security/lsm", host->lsm, sizeof(host->lsm));
        (void)host_read(root, "/proc/sys/kernel/osrelease", host->kernel, sizeof(host->kernel));
        host->version = host_version(host->kernel);
}
