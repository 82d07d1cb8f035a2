#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Family: the processes of a run besides its worker, for hosts without a control group
 *
 * Found in /proc from the worker downwards, and from its init, which adopts what others abandon.
 */
#include <stdint.h>

typedef struct FamilyUse {
        uint64_t memory_bytes; /* each counted beyond what a fork of the worker shares with it */
        uint32_t n_tasks;      /* processes and their threads */
} FamilyUse;

/* What they use now; @baseline_bytes is what a fork shares. Pids as our /proc knows them; @init <=
 * 0 = none. */
FamilyUse family_measure(long worker, long init, uint64_t baseline_bytes);
