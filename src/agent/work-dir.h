#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Work directory: a run's own directory below /tmp, where it cannot mount a tmpfs; or all of /tmp,
 * for runs that have it one after the other
 *
 * Removed with everything in it when the run is over, in pieces, since that may be a million files;
 * symlinks in it are removed, never followed.
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct Failure Failure;
typedef struct WorkDir WorkDir;

struct WorkDir {
        char path[32];
        int fd;           /* O_PATH; -1 = none */
        bool all_of_tmp;  /* it stays, emptied */
        uint64_t counter; /* of names given while it is removed */
};

#define WORK_DIR_NULL                                                                              \
        (WorkDir) {                                                                                \
                .fd = -1                                                                           \
        }

/* Makes it for @uid (UID_STAY: the agent's own). */
int work_dir_init(WorkDir *directory, uint32_t uid, Failure *failure);
/* All of /tmp: work_dir_remove() empties it of what its run has left. */
int work_dir_init_all(WorkDir *directory, Failure *failure);
/* Whether /tmp may be taken for ours alone, to be emptied: nobody has anything in it. Returns 0 or
 * -errno with the words. */
int work_dir_check_all(Failure *failure);
/* Every process of the run has ended by now. Works until @until_ns (CLOCK_MONOTONIC) at the longest
 * and returns whether nothing is left to do; UINT64_MAX = to the end. */
bool work_dir_remove(WorkDir *directory, uint64_t until_ns);
