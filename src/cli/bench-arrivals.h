#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Arrivals: when requests come that know nothing of each other (a Poisson process)
 *
 * The same times in every process, so that two measurements had the same crowds.
 */
#include <stdint.h>

typedef struct Arrivals Arrivals;

struct Arrivals {
        uint64_t state;
        uint64_t mean_ns;
};

#define ARRIVALS_INIT(per_second)                                                                  \
        (Arrivals) {                                                                               \
                .state = UINT64_C(0x9e3779b97f4a7c15), .mean_ns = NSEC_PER_SEC / (per_second)      \
        }

/* The time from the last arrival to the next. */
uint64_t arrivals_next_ns(Arrivals *arrivals);
