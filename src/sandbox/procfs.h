#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Procfs: a /proc of a run's own, for runs whose policy asks for one
 *
 * It shows the processes of one pid namespace and, of those, the ones that the reader could trace.
 * There is nothing in it that is not about processes: no /proc/meminfo, cpuinfo, stat, sys or net;
 * /proc/self and thread-self are there. Code in a run is not dumpable, so that its own memory,
 * environment and descriptors' targets stay closed to the processes it starts.
 */
typedef struct Failure Failure;

/* In a process inside the pid namespace, with CAP_SYS_ADMIN: *@fdp is a detached mount, CLOEXEC,
 * for view_enter_private() of any process in the same user namespace. Async-signal-safe. */
int procfs_open(int *fdp, Failure *failure);
