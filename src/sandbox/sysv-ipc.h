#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * System V objects that a run made and left
 *
 * In an IPC namespace they end with it. Without one they would stay, and the next run with the same
 * leased uid could read them. Called by the agent after a run, as root.
 */
#include <stdint.h>

/* Removes every shared memory segment, message queue and semaphore set that @uid created. */
void sysv_ipc_remove_of(uint32_t uid);
