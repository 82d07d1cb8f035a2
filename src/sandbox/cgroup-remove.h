#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Removing trees of control groups: ours, and those whose stub was killed
 *
 * A tree is "spr-PID", or "spr-PID-N" where another pid namespace has taken that name. It lives
 * while its process does, or while its agent holds a lock on its directory: the process may be one
 * of a pid namespace in which we mean another by that number, or none.
 */
#include <stdbool.h>
#include <sys/types.h>

/* Whether @name is one of a tree, and of which process. */
bool cgroup_name_is_tree(const char *name, pid_t *pidp);
/* Kills what is left in the tree and removes it, with one level of groups in it. Waits up to
 * @patience_ms for the dying. Returns 0, also where there is none, or -errno. */
int cgroup_remove(int parent_fd, const char *name, unsigned int patience_ms);
/* Removes the trees in @parent_fd that nobody uses any more. */
void cgroup_remove_stale(int parent_fd);
