#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Capture: what C code and child processes write to descriptors 1 and 2
 *
 * A pipe whose contents the agent appends to the run's region as they come, between what Python
 * code prints there itself. So there is one stream with one cap, and the agent keeps nothing.
 */
#include "agent/loop.h"
#include "wire/region.h"

typedef struct Capture Capture;

struct Capture {
        LoopSource source;
        int read_fd;
        RegionStream stream;
        RegionFile *region; /* the run's, outlives the capture */
        uint64_t cap;       /* bytes of the head; set before the worker has its request */
};

#define CAPTURE_NULL                                                                               \
        (Capture) {                                                                                \
                .read_fd = -1                                                                      \
        }

/* @write_fdp receives the end for the worker, owned by the caller. */
int capture_init(Capture *capture,
                 Loop *loop,
                 RegionFile *region,
                 RegionStream stream,
                 int *write_fdp,
                 Failure *failure);
void capture_deinit(Capture *capture);
/* Takes what is in the pipe now, at most what a pipe can hold. */
void capture_drain(Capture *capture);
