/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/family.h"
#include "agent/memory.h"
#include "base/fd.h"

#define FAMILY_MAX 4096 /* more than a run may have */

typedef struct Family {
        long pids[FAMILY_MAX];
        size_t n;
} Family;

/* "17 23 42 " */
static void family_add_listed(Family *family, const char *text) {
        const char *at = text;
        char *end;

        for (;;) {
                long pid = strtol(at, &end, 10);

                if (end == at || family->n == FAMILY_MAX)
                        return;
                family->pids[family->n++] = pid;
                at = end;
        }
}

/* Children belong to the thread that made them. */
static void family_add_children_of(Family *family, long pid) {
        char path[64], text[16384];
        struct dirent *entry;
        DIR *threads;

        (void)snprintf(path, sizeof(path), "/proc/%ld/task", pid);
        threads = opendir(path);
        if (!threads)
                return; /* it has ended */
        while ((entry = readdir(threads))) {
                _cleanup_(closep) int fd = -1;
                char name[300];
                ssize_t n;

                (void)snprintf(name, sizeof(name), "%s/children", entry->d_name);
                fd = openat(dirfd(threads), name, O_RDONLY | O_CLOEXEC);
                n = fd < 0 ? -1 : fd_read(fd, text, sizeof(text) - 1);
                if (n <= 0)
                        continue;
                text[n] = '\0';
                family_add_listed(family, text);
        }
        (void)closedir(threads);
}

FamilyUse family_measure(long worker, long init, uint64_t baseline_bytes) {
        static Family family;
        FamilyUse use = {0};

        family.n = 0;
        family_add_children_of(&family, worker);
        if (init > 0)
                family_add_children_of(&family, init);
        for (size_t i = 0; i < family.n; ++i) {
                uint32_t n_threads;
                uint64_t bytes = memory_of(family.pids[i], &n_threads);

                if (bytes > baseline_bytes)
                        use.memory_bytes += bytes - baseline_bytes;
                use.n_tasks += n_threads;
                family_add_children_of(&family, family.pids[i]);
        }
        return use;
}
