#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * User namespace: the one an agent lives in
 *
 * Where the agent is not root, it maps exactly the invoking uid and gid onto themselves, so no
 * other identity exists inside; as root, all ids onto themselves.
 */
#include <stdbool.h>
#include <sys/types.h>

typedef struct Failure Failure;

/* Called first thing in the child of clone(CLONE_NEWUSER), with the ids from before. */
int userns_map_self(uid_t uid, gid_t gid, Failure *failure);
/* Called by its parent, as root: maps every id that exists here onto itself in the user namespace
 * of the child @pid. 0 or -errno. */
int userns_map_as_here(pid_t pid);
/* Forbids further user and time namespaces to all in the caller's user namespace, itself
 * included, for good. Needs CAP_SYS_RESOURCE in it; the host's own namespace is left alone. Returns
 * whether user namespaces are forbidden now, as the kernel says. */
bool userns_forbid_nested(void);
