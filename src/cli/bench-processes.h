#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Processes: what our engines' agents have started, as /proc shows it
 *
 * By name and descent: an agent has zygotes, and with them the inits of pid namespaces; a child of
 * a zygote is a worker, and a standby while nothing runs. None of them is dumpable: only root sees
 * how much memory they have.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

typedef struct BenchProcesses BenchProcesses;

struct BenchProcesses {
        size_t n_agents;
        size_t n_zygotes;
        size_t n_workers;
        size_t n_others;     /* among them the inits */
        uint64_t worker_kib; /* private to the workers and their inits, together */
        uint64_t agent_kib;
        size_t n_agent_fds;
        uint64_t cpu_ns; /* of all of them, and of their children that are gone */
        bool unreadable; /* the memory or the descriptors of one */
};

/* Looks at the descendants of @root; 0 or a negative errno. */
int bench_processes_scan(BenchProcesses *processes, pid_t root);
/* What is private to process @pid; 0 or a negative errno. */
int bench_process_private_kib(pid_t pid, uint64_t *kibp);
