#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Namespaces for a child of a test, by way of a user namespace where it takes one
 */
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "child.h"
#include "sandbox/userns.h"

/* The child becomes the owner of a user namespace and what @flags ask for beside it, or ends as
 * skipped. */
static inline void namespaces_unshare(int flags) {
        uid_t uid = geteuid();
        gid_t gid = getegid();

        if (unshare(CLONE_NEWUSER | flags) < 0 || userns_map_self(uid, gid, NULL))
                _exit(CHILD_NO_NAMESPACES);
        if ((flags & CLONE_NEWNS) && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                _exit(CHILD_NO_NAMESPACES); /* AppArmor lets them be made, and grants nothing */
}
