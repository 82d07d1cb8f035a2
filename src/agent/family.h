#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Family: the processes of a run besides its worker, for hosts without a control group
 *
 * Found in /proc from the worker downwards, and from its init, which adopts what others abandon.
 */
#include <stdint.h>

/* Bytes that they have now, each counted beyond @baseline_bytes, which is what a fork of the worker
 * shares with it. Pids as our /proc knows them; @init <= 0 = none. */
uint64_t family_memory(long worker, long init, uint64_t baseline_bytes);
