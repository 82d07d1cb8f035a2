#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Capabilities: seeing, keeping and losing them
 *
 * Zygote and worker: raw system calls only, no allocation, async-signal-safe.
 */
#include <stdbool.h>

typedef struct Failure Failure;

/* Whether the calling thread has @capability (CAP_*) in its effective set. */
bool capabilities_have(unsigned int capability);

/* Makes every capability it has survive the next execve(2) of a program without file capabilities,
 * by way of the ambient set. Meant for the zygote inside a user namespace of its own. */
int capabilities_keep_over_exec(Failure *failure);

/* Empties the bounding set, as far as it is allowed to: it takes CAP_SETPCAP, which a change of uid
 * loses. Without it the set stays, but gives nothing back under no_new_privs. */
void capabilities_drop_bounding(void);
/* Empties all other sets and reads them back. */
int capabilities_drop(Failure *failure);
