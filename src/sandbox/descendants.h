#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Descendants: ending everything a run started, where there is no pid namespace to do it
 *
 * The caller is a subreaper, so that whatever the run started and abandoned has become its child.
 * Everything below it that it does not know is stopped first, until no new process appears, and
 * then killed: a process that is stopped cannot fork away.
 */
#include <stddef.h>
#include <sys/types.h>

/* @proc_fd: an open /proc; @known: the children of the caller that may live, with all below them.
 * Returns the number of processes killed, or -errno. The caller reaps. */
int descendants_kill_unknown(int proc_fd, const pid_t *known, size_t n_known);
