/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/fd.h"
#include "cli/bench-processes.h"

#define FILE_MAX   4096
#define FIELD_PPID 4  /* of /proc/PID/stat, counted as proc(5) does */
#define FIELD_TIME 14 /* utime, stime, cutime, cstime */
#define N_TIMES    4

typedef enum Role {
        ROLE_UNKNOWN, /* not looked at yet, or none of ours */
        ROLE_ROOT,
        ROLE_AGENT,
        ROLE_ZYGOTE,
        ROLE_WORKER,
        ROLE_OTHER,
} Role;

typedef struct Process {
        pid_t pid, parent;
        Role role;
        uint64_t ticks;
        char name[17];
} Process;

typedef struct ProcessList {
        Process *items;
        size_t n, room;
} ProcessList;

static void process_list_deinitp(ProcessList *list) {
        free(list->items);
}

static void dir_closep(DIR **dirp) {
        if (*dirp)
                (void)closedir(*dirp);
}

/* The beginning of /proc/PID/NAME as a string. */
static int proc_read(pid_t pid, const char *name, char text[static FILE_MAX]) {
        _cleanup_(closep) int fd = -1;
        char path[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = fd_read(fd, text, FILE_MAX - 1);
        if (n < 0)
                return (int)n;
        text[n] = '\0';
        return 0;
}

static void field_skip(const char **textp, unsigned int n) {
        while (n-- > 0) {
                *textp += strspn(*textp, " ");
                *textp += strcspn(*textp, " ");
        }
}

/* "PID (NAME) STATE PPID …"; the name may hold anything. */
static bool stat_parse(Process *process, const char *text) {
        const char *open = strchr(text, '('), *close = strrchr(text, ')');
        uint64_t number;

        if (!open || !close || close < open)
                return false;
        (void)snprintf(process->name, sizeof(process->name), "%.*s", (int)(close - open - 1),
                       open + 1);
        text = close + 1;
        field_skip(&text, FIELD_PPID - 3);
        if (!decimal_take(&text, &number))
                return false;
        process->parent = (pid_t)number;
        field_skip(&text, FIELD_TIME - FIELD_PPID - 1);
        for (size_t i = 0; i < N_TIMES; i++) {
                if (!decimal_take(&text, &number))
                        return false;
                process->ticks += number;
        }
        return true;
}

static int process_list_add(ProcessList *list, pid_t pid) {
        Process process = {.pid = pid};
        char text[FILE_MAX];

        if (proc_read(pid, "stat", text) || !stat_parse(&process, text))
                return 0; /* gone meanwhile */
        if (list->n == list->room) {
                size_t room = list->room ? 2 * list->room : 256;
                Process *items = realloc(list->items, room * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->room = room;
        }
        list->items[list->n++] = process;
        return 0;
}

static int process_list_fill(ProcessList *list) {
        _cleanup_(dir_closep) DIR *dir = opendir("/proc");
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return -errno;
        while (r == 0 && (entry = readdir(dir))) {
                const char *name = entry->d_name;
                uint64_t pid;

                if (decimal_take(&name, &pid) && *name == '\0')
                        r = process_list_add(list, (pid_t)pid);
        }
        return r;
}

static Role role_below(Role parent, const char *name) {
        if (parent == ROLE_ZYGOTE)
                return ROLE_WORKER;
        if (parent == ROLE_ROOT || parent == ROLE_AGENT) {
                if (strcmp(name, "spr-agent") == 0)
                        return ROLE_AGENT;
                if (strcmp(name, "spr-zygote") == 0)
                        return ROLE_ZYGOTE;
        }
        return parent == ROLE_ROOT ? ROLE_UNKNOWN : ROLE_OTHER;
}

/* Whether @child now has a role that its parent gives it. */
static bool role_inherit(const ProcessList *list, Process *child) {
        for (size_t i = 0; i < list->n; i++) {
                const Process *parent = &list->items[i];

                if (parent->pid == child->parent && parent->role != ROLE_UNKNOWN)
                        child->role = role_below(parent->role, child->name);
        }
        return child->role != ROLE_UNKNOWN;
}

/* From the root downwards, until none is new. */
static void roles_assign(ProcessList *list, pid_t root) {
        bool changed = true;

        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].pid == root)
                        list->items[i].role = ROLE_ROOT;
        while (changed) {
                changed = false;
                for (size_t i = 0; i < list->n; i++)
                        if (list->items[i].role == ROLE_UNKNOWN)
                                changed |= role_inherit(list, &list->items[i]);
        }
}

int bench_process_private_kib(pid_t pid, uint64_t *kibp) {
        char text[FILE_MAX];
        uint64_t total = 0, kib;
        int r;

        r = proc_read(pid, "smaps_rollup", text);
        if (r)
                return r;
        for (const char *line = text; line && *line;) {
                if (strncmp(line, "Private_", 8) == 0) {
                        line += strcspn(line, ":\n");
                        line += *line == ':';
                        if (decimal_take(&line, &kib))
                                total += kib;
                }
                line = strchr(line, '\n');
                line += line != NULL;
        }
        *kibp = total;
        return 0;
}

static int fds_count(pid_t pid, size_t *np) {
        _cleanup_(dir_closep) DIR *dir = NULL;
        struct dirent *entry;
        char path[64];
        size_t n = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        dir = opendir(path);
        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                n += entry->d_name[0] != '.';
        *np = n;
        return 0;
}

static bool is_unreadable(int r) {
        return r == -EACCES || r == -EPERM;
}

static void process_count(BenchProcesses *processes, const Process *process) {
        uint64_t kib = 0;
        size_t n_fds = 0;
        int r;

        if (process->role <= ROLE_ROOT)
                return;
        processes->cpu_ns += process->ticks * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
        if (process->role == ROLE_ZYGOTE) {
                ++processes->n_zygotes;
                return;
        }
        r = bench_process_private_kib(process->pid, &kib);
        if (process->role == ROLE_AGENT) {
                ++processes->n_agents;
                processes->agent_kib += kib;
                r = r ? r : fds_count(process->pid, &n_fds);
                processes->n_agent_fds += n_fds;
        } else {
                processes->n_workers += process->role == ROLE_WORKER;
                processes->n_others += process->role == ROLE_OTHER;
                processes->worker_kib += kib;
        }
        processes->unreadable = processes->unreadable || is_unreadable(r);
}

int bench_processes_scan(BenchProcesses *processes, pid_t root) {
        _cleanup_(process_list_deinitp) ProcessList list = {0};
        int r;

        r = process_list_fill(&list);
        if (r)
                return r;
        roles_assign(&list, root);
        *processes = (BenchProcesses){0};
        for (size_t i = 0; i < list.n; i++)
                process_count(processes, &list.items[i]);
        return 0;
}
