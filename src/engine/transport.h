#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Transport: a way to get a byte stream with an agent at its other end
 *
 * An engine is this table and nothing else; everything above it (frames, runs, results) is the
 * same for all. Used in the host process, under the lock of the SprEngine that owns it.
 */
#include "base/attr.h"
#include "engine/agent-process.h"

typedef struct Failure Failure;
typedef struct Transport Transport;

struct Transport {
        /* Starts an agent. On success @process is the caller's, its stream a non-blocking stream
         * socket; on failure it is untouched and @failure has the words. Returns 0 or -errno. */
        int (*open)(Transport *transport, AgentProcess *process, Failure *failure);
        Transport *(*free)(Transport *transport);
};

static inline Transport *transport_free(Transport *transport) {
        return transport ? transport->free(transport) : NULL;
}

DEFINE_CLEANUP(Transport *, transport_free)
