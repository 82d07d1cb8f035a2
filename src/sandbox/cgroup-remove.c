/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/fd.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup-remove.h"

#define STALE_PATIENCE_MS 200

bool cgroup_name_is_tree(const char *name, pid_t *pidp) {
        uint64_t pid, number;

        if (strncmp(name, "spr-", 4) != 0 || name[4] == ' ' || name[4] == '\t')
                return false;
        name += 4;
        if (!decimal_take(&name, &pid) || pid == 0 || pid > INT32_MAX)
                return false;
        if (*name == '-' && name[1] >= '0' && name[1] <= '9') {
                ++name;
                (void)decimal_take(&name, &number);
        }
        if (*name)
                return false;
        *pidp = (pid_t)pid;
        return true;
}

/* SIGKILL to @pid, if it is the process that the group has: the number alone might by now belong
 * to somebody else, and the pidfd binds it before the second look. */
static void remove_kill(int group_fd, pid_t pid) {
        _cleanup_(closep) int pidfd = -1;
        char text[4096];
        const char *list = text;
        uint64_t listed;

        pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
        if (pidfd < 0 || cgroup_file_read(group_fd, "cgroup.procs", text, sizeof(text)) <= 0)
                return;
        for (; decimal_take(&list, &listed); list += *list == '\n')
                if (listed == (uint64_t)pid)
                        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0u);
}

static void remove_kill_all(int group_fd) {
        char text[4096]; /* what does not fit comes with the next look */
        const char *list = text;
        uint64_t pid;

        if (cgroup_file_read(group_fd, "cgroup.procs", text, sizeof(text)) <= 0)
                return;
        for (; decimal_take(&list, &pid); list += *list == '\n')
                if (pid > 1 && pid <= INT32_MAX && (pid_t)pid != getpid())
                        remove_kill(group_fd, (pid_t)pid);
}

static void remove_group(int tree_fd, const char *name) {
        _cleanup_(closep) int fd = -1;

        if (unlinkat(tree_fd, name, AT_REMOVEDIR) == 0 || errno != EBUSY)
                return;
        fd = openat(tree_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return;
        if (cgroup_file_write(fd, "cgroup.kill", "1"))
                remove_kill_all(fd);
        (void)unlinkat(tree_fd, name, AT_REMOVEDIR);
}

/* A directory stream of its own, so that each look starts at the beginning. */
static DIR *remove_list(int fd) {
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = copy < 0 ? NULL : fdopendir(copy);

        if (!stream)
                (void)fd_close(copy);
        return stream;
}

static void remove_groups(int tree_fd) {
        DIR *stream = remove_list(tree_fd);
        struct dirent *entry;

        while (stream && (entry = readdir(stream)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                        remove_group(tree_fd, entry->d_name);
        if (stream)
                (void)closedir(stream);
}

int cgroup_remove(int parent_fd, const char *name, unsigned int patience_ms) {
        _cleanup_(closep) int fd = -1;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        for (unsigned int waited_ms = 0;; ++waited_ms) {
                const struct timespec pause = {.tv_nsec = 1000000};

                remove_groups(fd);
                if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                        return 0;
                if (errno != EBUSY || waited_ms >= patience_ms)
                        return -errno;
                (void)nanosleep(&pause, NULL);
        }
}

static bool tree_is_stale(int parent_fd, const char *name) {
        _cleanup_(closep) int fd = -1;
        pid_t pid;

        if (!cgroup_name_is_tree(name, &pid) || kill(pid, 0) == 0 || errno != ESRCH)
                return false;
        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void cgroup_remove_stale(int parent_fd) {
        DIR *stream = remove_list(parent_fd);
        struct dirent *entry;

        while (stream && (entry = readdir(stream)))
                if (entry->d_type == DT_DIR && tree_is_stale(parent_fd, entry->d_name))
                        (void)cgroup_remove(parent_fd, entry->d_name, STALE_PATIENCE_MS);
        if (stream)
                (void)closedir(stream);
}
