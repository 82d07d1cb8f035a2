#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Seccomp placeholders: what stands in the generated filters for numbers known when they are loaded
 *
 * The worker's own process id, and the process group of that id as kill(2) takes it. Nothing else
 * in the filters is one of these.
 */
#include <stdint.h>

#define SECCOMP_SELF  UINT32_C(0x5e1f5e1f)
#define SECCOMP_GROUP UINT32_C(0x6e1f6e1f)
