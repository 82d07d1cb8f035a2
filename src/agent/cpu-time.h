#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * CPU time of another process, precise and without waiting for its end
 */
#include <stdint.h>
#include <sys/types.h>

/* User and system time of all threads of @pid so far, also of a zombie that nobody has reaped; not
 * of its children. 0, or -errno where there is no such process in our pid namespace. */
int cpu_time_read(pid_t pid, uint64_t *user_nsp, uint64_t *system_nsp);
