/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/trial.h"

int trial_run(bool (*works)(void)) {
        int status = 0;
        pid_t pid;

        pid = fork();
        if (pid == 0)
                _exit(works() ? 0 : 1);
        if (pid < 0)
                return -errno;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
