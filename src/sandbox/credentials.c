/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "base/failure.h"
#include "sandbox/credentials.h"
#include "sandbox/trial.h"

int credentials_drop(uint32_t uid, Failure *failure) {
        uid_t real = 0, effective = 0, saved = 0;

        if (setgroups(0, NULL) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot drop supplementary groups");
        if (setresgid(uid, uid, uid) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot change to the run's gid");
        if (setresuid(uid, uid, uid) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot change to the run's uid");
        if (getresuid(&real, &effective, &saved) < 0 || real != uid || effective != uid ||
            saved != uid)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, EPERM,
                                   "the run's uid did not hold");
        return 0;
}

static bool credentials_try(void) {
        return credentials_drop(UID_LEASE_BASE, NULL) == 0;
}

int credentials_probe(void) {
        return trial_run(credentials_try);
}
