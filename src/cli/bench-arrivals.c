/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "cli/bench-arrivals.h"

/* xorshift64*: short, and good enough for times. */
static uint64_t random_next(uint64_t *state) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return *state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t arrivals_next_ns(Arrivals *arrivals) {
        /* in (0, 1]: the logarithm of 0 is not a time */
        double uniform = ((double)(random_next(&arrivals->state) >> 11) + 1) / 0x1p53;

        return (uint64_t)(-log(uniform) * (double)arrivals->mean_ns);
}
