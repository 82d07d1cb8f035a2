#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * At fork: every engine of the process, so that a forked child can let go of all of them
 *
 * fork() takes the lock of each engine before it copies the process, so that the copy is
 * consistent; in the child engine_after_fork() then drops what belongs to the parent.
 */
typedef struct SprEngine SprEngine;

/* Returns 0 or -errno. */
int atfork_add(SprEngine *engine);
void atfork_remove(SprEngine *engine);
