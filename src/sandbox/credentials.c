/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failure.h"
#include "sandbox/credentials.h"

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

bool credentials_probe(uint32_t uid) {
        int status = 0;
        pid_t pid;

        pid = fork();
        if (pid == 0)
                _exit(credentials_drop(uid, NULL) ? 1 : 0);
        if (pid < 0)
                return false;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return false;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
