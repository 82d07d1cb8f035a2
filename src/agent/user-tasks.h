#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Tasks of the user: how many processes and threads there are under our uid, on the whole host
 *
 * RLIMIT_NPROC is a limit of that number. Where runs have neither a uid, a user namespace nor a
 * control group of their own, the only way to bound them is to know it.
 */
#include <stdint.h>

/* Reads all of /proc, which takes milliseconds; 0 where it cannot be read. */
uint32_t user_tasks_count(void);
