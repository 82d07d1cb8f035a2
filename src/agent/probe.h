#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Probe: which layers this machine grants, tried by the program that would apply them
 *
 * `spr-agent --probe` enters the nest as an agent does and tries each layer in a child of its own,
 * by the functions that zygotes and workers call. It answers with a line per layer:
 *
 *         NAME <tab> STATE <tab> ERRNO <tab> DETAIL
 *
 * STATE is "ok", "weak" (there, but less than it could be), "inapplicable" (nothing for it to do
 * here) or "missing"; ERRNO is "EPERM" or "-".
 */
#include <stdint.h>

#include "base/failure.h"
#include "base/layers.h"

typedef struct ProbeAnswer ProbeAnswer;

typedef enum ProbeState {
        PROBE_OK,
        PROBE_WEAK,
        PROBE_INAPPLICABLE,
        PROBE_MISSING,
        _PROBE_STATE_N,
} ProbeState;

struct ProbeAnswer {
        uint32_t state; /* ProbeState */
        int32_t error;  /* errno, 0 if none applies */
        char detail[FAILURE_TEXT_MAX];
};

/* Enters the nest, tries everything and writes the lines to @fd. Returns an exit status, in the
 * process that was called as well as in the one that did the work. */
int probe_main(int fd);

/* Tries one layer from where the caller is. Needs no more than a fork(). */
void probe_layer(Layer layer, ProbeAnswer *answer);
