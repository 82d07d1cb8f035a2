#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Samples: times of one kind, and what is said of them
 *
 * Percentiles are of the nearest rank: a value that was really measured.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct Samples Samples;

struct Samples {
        uint64_t *values; /* nanoseconds */
        size_t n;
        size_t room;
};

#define SAMPLES_P99_MIN 100 /* with fewer, the 99th percentile is the worst one or nothing */

/* 0 or -ENOMEM. */
int samples_init(Samples *samples, size_t room);
void samples_deinit(Samples *samples);
/* Dropped where there is no room. */
void samples_add(Samples *samples, uint64_t value);
/* The value at @percent of 100 of @n samples from @first on, which it sorts; 0 of none. */
uint64_t samples_percentile(Samples *samples, size_t first, size_t n, unsigned int percent);

static inline void samples_deinitp(Samples *samples) {
        samples_deinit(samples);
}
