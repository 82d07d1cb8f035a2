/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/decimal.h"
#include "base/fd.h"
#include "sandbox/descendants.h"

#define DESCENDANTS_MAX    4096
#define DESCENDANTS_ROUNDS 64

typedef struct PidSet {
        pid_t pids[DESCENDANTS_MAX];
        size_t n_pids;
} PidSet;

static bool pid_is_in(pid_t pid, const pid_t *pids, size_t n_pids) {
        for (size_t i = 0; i < n_pids; ++i)
                if (pids[i] == pid)
                        return true;
        return false;
}

/* Adds the pids in a line "12 34 56 " and answers how many were new. Only a number with a space
 * behind it is whole. */
static size_t
pid_set_add_line(PidSet *set, const char *line, const pid_t *except, size_t n_except) {
        size_t n_new = 0;
        uint64_t pid;

        while (decimal_take(&line, &pid) && *line == ' ' && set->n_pids < DESCENDANTS_MAX) {
                if (pid_is_in((pid_t)pid, except, n_except) ||
                    pid_is_in((pid_t)pid, set->pids, set->n_pids))
                        continue;
                set->pids[set->n_pids++] = (pid_t)pid;
                (void)kill((pid_t)pid, SIGSTOP); /* it may have ended by now */
                ++n_new;
        }
        return n_new;
}

/* The children of one thread. The kernel gives whole lines of up to a page per read. */
static size_t pid_set_add_thread(
        PidSet *set, int tasks_fd, const char *thread, const pid_t *except, size_t n_except) {
        _cleanup_(closep) int fd = -1;
        char path[64], line[16384];
        size_t n_new = 0;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "%.20s/children", thread);
        fd = openat(tasks_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0; /* it has ended: others have its children now */
        while ((n = fd_read(fd, line, sizeof(line) - 1)) > 0) {
                line[n] = '\0';
                n_new += pid_set_add_line(set, line, except, n_except);
        }
        return n_new;
}

/* The children of all threads: each thread has those that it forked. */
static size_t
pid_set_add_children(PidSet *set, int proc_fd, pid_t pid, const pid_t *except, size_t n_except) {
        struct dirent *entry;
        size_t n_new = 0;
        char path[64];
        DIR *tasks;
        int fd;

        (void)snprintf(path, sizeof(path), "%d/task", (int)pid);
        fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        tasks = fdopendir(fd);
        if (!tasks) {
                (void)fd_close(fd);
                return 0;
        }
        while ((entry = readdir(tasks)))
                if (entry->d_name[0] != '.')
                        n_new += pid_set_add_thread(set, fd, entry->d_name, except, n_except);
        (void)closedir(tasks);
        return n_new;
}

int descendants_kill_unknown(int proc_fd, const pid_t *known, size_t n_known) {
        _cleanup_(freep) PidSet *set = NULL;

        set = calloc(1, sizeof(*set));
        if (!set)
                return -ENOMEM;
        for (unsigned int round = 0; round < DESCENDANTS_ROUNDS; ++round) {
                size_t n_new;

                n_new = pid_set_add_children(set, proc_fd, getpid(), known, n_known);
                for (size_t i = 0; i < set->n_pids; ++i)
                        n_new += pid_set_add_children(set, proc_fd, set->pids[i], NULL, 0);
                if (n_new == 0)
                        break;
        }
        for (size_t i = 0; i < set->n_pids; ++i)
                (void)kill(set->pids[i], SIGKILL);
        return (int)set->n_pids;
}
