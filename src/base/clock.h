#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Clock: monotonic time in nanoseconds
 */
#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/* CLOCK_MONOTONIC; cannot fail on Linux with a valid clock id. */
static inline uint64_t clock_now_ns(void) {
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* The time @ns after @start_ns; UINT64_MAX, which is never, where there is no such time. */
static inline uint64_t clock_after_ns(uint64_t start_ns, uint64_t ns) {
        return ns < UINT64_MAX - start_ns ? start_ns + ns : UINT64_MAX;
}
