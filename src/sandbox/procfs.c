/* SPDX-License-Identifier: MIT */
/*
 * The new mount calls (Linux 5.2; the options 5.8), because a descriptor can be handed to the
 * worker: the init that makes it is inside the pid namespace, but not in the worker's mounts.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/procfs.h"

#ifndef SYS_fsopen
#define SYS_fsopen   430
#define SYS_fsconfig 431
#define SYS_fsmount  432
#endif

#define PROCFS_OPEN_CLOEXEC 0x1u /* FSOPEN_CLOEXEC, and FSMOUNT_CLOEXEC */
#define PROCFS_SET_STRING   1u   /* FSCONFIG_SET_STRING */
#define PROCFS_CREATE       6u   /* FSCONFIG_CMD_CREATE */
#define PROCFS_ATTR_NOSUID  0x2u
#define PROCFS_ATTR_NODEV   0x4u
#define PROCFS_ATTR_NOEXEC  0x8u
#define PROCFS_ATTRIBUTES   (PROCFS_ATTR_NOSUID | PROCFS_ATTR_NODEV | PROCFS_ATTR_NOEXEC)

int procfs_open(int *fdp, Failure *failure) {
        static const char *const options[][2] = {{"hidepid", "ptraceable"}, {"subset", "pid"}};
        _cleanup_(closep) int context_fd = -1;
        long fd;

        context_fd = (int)syscall(SYS_fsopen, "proc", PROCFS_OPEN_CLOEXEC);
        if (context_fd < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot make a /proc for the run");
        for (size_t i = 0; i < ARRAY_SIZE(options); ++i)
                if (syscall(SYS_fsconfig, context_fd, PROCFS_SET_STRING, options[i][0],
                            options[i][1], 0) < 0)
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                           "cannot restrict a /proc for the run (needs Linux 5.8)");
        if (syscall(SYS_fsconfig, context_fd, PROCFS_CREATE, NULL, NULL, 0) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot make a /proc for the run");
        fd = syscall(SYS_fsmount, context_fd, PROCFS_OPEN_CLOEXEC, PROCFS_ATTRIBUTES);
        if (fd < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   errno == EPERM ? "cannot make a /proc for the run: parts of the "
                                                    "host's are masked, as in a container"
                                                  : "cannot make a /proc for the run");
        *fdp = (int)fd;
        return 0;
}
