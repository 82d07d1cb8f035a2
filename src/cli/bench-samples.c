/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cli/bench-samples.h"

int samples_init(Samples *samples, size_t room) {
        uint64_t *values = calloc(room ? room : 1, sizeof(*values));

        if (!values)
                return -ENOMEM;
        *samples = (Samples){.values = values, .room = room};
        return 0;
}

void samples_deinit(Samples *samples) {
        free(samples->values);
        *samples = (Samples){0};
}

void samples_add(Samples *samples, uint64_t value) {
        if (samples->n < samples->room)
                samples->values[samples->n++] = value;
}

static int value_compare(const void *a, const void *b) {
        uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

        return (left > right) - (left < right);
}

uint64_t samples_percentile(Samples *samples, size_t first, size_t n, unsigned int percent) {
        size_t rank;

        first = min_size(first, samples->n);
        n = min_size(n, samples->n - first);
        if (n == 0)
                return 0;
        qsort(samples->values + first, n, sizeof(*samples->values), value_compare);
        rank = (n * percent + 99) / 100; /* counted from 1 */
        return samples->values[first + (rank > 0 ? rank - 1 : 0)];
}
