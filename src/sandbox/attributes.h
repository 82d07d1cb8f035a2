#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Process attributes: no_new_privs, not dumpable, death with the parent
 *
 * Worker and zygote: async-signal-safe; each is read back.
 */
typedef struct Failure Failure;

/* execve(2) gives no privileges any more, for good. */
int attributes_set_no_new_privs(Failure *failure);
/* No ptrace(2), no /proc/PID/mem, no core by a process of the same uid. A change of uid sets it
 * back, so it comes after that. */
int attributes_set_undumpable(Failure *failure);
/* SIGKILL when the parent ends. A change of uid clears it, so it comes after that. */
int attributes_die_with_parent(Failure *failure);
