#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Nest: the agent as PID 1 of a pid namespace of its own
 *
 * Where the kernel grants it, the program splits in two at its start: a stub that only waits, and
 * the agent proper, PID 1 of a new pid namespace (and, where it is not root, of a user namespace
 * that maps only its own uid). So however the agent ends, SIGKILL included, the kernel ends every
 * zygote, init and worker with it; and the zygote may enter the pid namespaces of runs and come
 * back. Elsewhere the two are plain processes: the stub, a subreaper, kills what a killed agent
 * leaves behind, and the agent ends in order when the stub is killed.
 */
#include <stdbool.h>

typedef struct Nest Nest;

struct Nest {
        bool pid_namespace;
        bool user_namespace;
};

/* Returns in the agent proper. The stub never returns: it closes its descriptors and exits as the
 * agent does. */
void nest_enter(Nest *nest);
