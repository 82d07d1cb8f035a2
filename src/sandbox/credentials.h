#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Credentials: the uid a run has when the agent is root
 *
 * Each concurrent run leases a uid of its own, UID_LEASE_BASE + slot, outside every range that
 * distributions hand out, so that runs cannot signal or trace each other whatever else fails.
 */
#include <stdint.h>

typedef struct Failure Failure;

#define UID_LEASE_BASE UINT32_C(1900000000)
#define UID_LEASE_MAX  UINT32_C(65536)
#define UID_STAY       UINT32_MAX

/* Agent: 1 = a process can become a uid of the range; 0 = it cannot; negative errno: there could be
 * no child to try it. */
int credentials_probe(void);
/* Worker: becomes @uid and the gid of the same number, without supplementary groups; read back. */
int credentials_drop(uint32_t uid, Failure *failure);
