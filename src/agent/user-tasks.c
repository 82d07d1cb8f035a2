/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/user-tasks.h"
#include "base/fd.h"

static unsigned long user_tasks_field(const char *text, const char *name) {
        const char *at = strstr(text, name);

        return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/* The threads of one process, if it is ours. */
static uint32_t user_tasks_of(int proc_fd, const char *pid, uid_t uid) {
        _cleanup_(closep) int fd = -1;
        char path[300], text[2048];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "%s/status", pid);
        fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : fd_read(fd, text, sizeof(text) - 1);
        if (n <= 0) /* it has ended meanwhile */
                return 0;
        text[n] = '\0';
        if (user_tasks_field(text, "\nUid:") != uid)
                return 0;
        return (uint32_t)user_tasks_field(text, "\nThreads:");
}

uint32_t user_tasks_count(void) {
        struct dirent *entry;
        uid_t uid = getuid();
        uint32_t n = 0;
        DIR *proc;

        proc = opendir("/proc");
        if (!proc)
                return 0;
        while ((entry = readdir(proc)))
                if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
                        n += user_tasks_of(dirfd(proc), entry->d_name, uid);
        (void)closedir(proc);
        return n;
}
