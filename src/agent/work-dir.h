#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Work directory: a run's own directory below /tmp, where it cannot mount a tmpfs
 *
 * Removed with everything in it when the run is over; symlinks in it are removed, never followed.
 */
#include <stdint.h>

typedef struct Failure Failure;
typedef struct WorkDir WorkDir;

struct WorkDir {
        char path[32];
        int fd; /* O_PATH; -1 = none */
};

#define WORK_DIR_NULL                                                                              \
        (WorkDir) {                                                                                \
                .fd = -1                                                                           \
        }

/* Makes it for @uid (UID_STAY: the agent's own). */
int work_dir_init(WorkDir *directory, uint32_t uid, Failure *failure);
/* Every process of the run has ended by now. */
void work_dir_deinit(WorkDir *directory);
