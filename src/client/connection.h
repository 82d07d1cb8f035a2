#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Connection: one stream to one agent
 *
 * Greets, cuts the incoming bytes into frames, holds each against the table of wire/frame.h before
 * its payload is even read, answers PING, and hands the rest to its handler. Everything the other
 * side says is judged as hostile: nothing here grows with it.
 *
 * Not locked: the engine's lock guards it. A connection that failed once is only good for freeing.
 */
#include <stdint.h>

#include "base/attr.h"
#include "client/outbox.h"
#include "engine/agent-process.h"
#include "wire/frame.h"

typedef struct Connection Connection;
typedef struct ConnectionHandler ConnectionHandler;
typedef struct Failure Failure;

/* Runs that may be sent before WELCOME has said how many the agent takes. */
#define CONNECTION_RUNS_BEFORE_WELCOME 1

struct ConnectionHandler {
        /* ENV_READY, CREDIT, DATA, RESULT and FAILURE of a stream. A return other than 0 (-EPROTO)
         * ends the connection, with the words in @failure. */
        int (*frame)(void *userdata,
                     const FrameHeader *header,
                     const uint8_t *payload,
                     Failure *failure);
        void *userdata;
};

struct Connection {
        AgentProcess process;
        WireState state; /* WIRE_GREETING until WELCOME */
        uint32_t max_runs;
        uint64_t born_ns, heard_ns, pinged_ns; /* when it began, spoke last, was last asked to */
        bool violated; /* the agent broke the protocol: it is killed, not waited for */
        Buffer in;
        Outbox out;
        Connection *next; /* in the engine's list of lost connections */
};

/* Takes @process over, also on failure, and queues HELLO. Returns 0 or -ENOMEM. */
int connection_new(Connection **connectionp, AgentProcess *process);
/* Ends the agent and waits for it: up to two seconds. */
Connection *connection_free(Connection *connection);
/* In a forked child: leaves agent and stream to the parent. */
Connection *connection_forget(Connection *connection);

/* Both never block and return 0 or -errno; -EPIPE and -ECONNRESET mean that the agent has gone. */
int connection_flush(Connection *connection, Failure *failure);
int connection_receive(Connection *connection, const ConnectionHandler *handler, Failure *failure);
/* Whether connection_flush() has something to write. */
bool connection_is_pending(const Connection *connection);
/* Queues a frame other than DATA. Returns 0 or -errno. */
int connection_put(Connection *connection,
                   FrameType type,
                   uint64_t stream,
                   const void *payload,
                   size_t length,
                   Failure *failure);

static inline int connection_fd(const Connection *connection) {
        return connection->process.stream_fd;
}

DEFINE_CLEANUP(Connection *, connection_free)
