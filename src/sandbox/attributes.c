/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/failure.h"
#include "sandbox/attributes.h"

int attributes_set_no_new_privs(Failure *failure) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot set no_new_privs");
        return 0;
}

int attributes_set_undumpable(Failure *failure) {
        if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_GET_DUMPABLE) != 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot make the run undumpable");
        return 0;
}

int attributes_die_with_parent(Failure *failure) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot bind the run's life to its zygote");
        return 0;
}
