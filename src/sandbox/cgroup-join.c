/* SPDX-License-Identifier: MIT */
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/cgroup.h"

int cgroup_join(const int *fds, size_t n_fds, Failure *failure) {
        for (size_t i = 0; i < n_fds; ++i) {
                ssize_t n = fd_write(fds[i], "0", 1); /* the writer, whatever its pid is called */

                if (n < 0)
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, (int)-n,
                                           "cannot join a control group");
        }
        return 0;
}
