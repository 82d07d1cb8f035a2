/* SPDX-License-Identifier: MIT */
/*
 * HELLO, ENV_OPEN and the first SUBMIT leave in one send: the agent judges the greeting first, so
 * nothing is gained by waiting for WELCOME. Incoming, only WELCOME and FAILURE are legal until
 * then.
 *
 * The in buffer has room for a frame and a read. After each read all whole frames in it are
 * handled, in place, so it never holds more than a part of one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "client/connection.h"
#include "engine/bootstrap.h"
#include "wire/messages.h"

#define READ_BYTES     (128u * 1024)
#define READS_PER_CALL 16 /* then the caller gets a chance to answer */

int connection_new(Connection **connectionp, AgentProcess *process) {
        HelloFrame hello = {
                .magic = WIRE_MAGIC,
                .major = WIRE_VERSION_MAJOR,
                .minor = WIRE_VERSION_MINOR,
        };
        _cleanup_(connection_freep) Connection *connection = calloc(1, sizeof(*connection));
        int r;

        if (!connection) {
                agent_process_deinit(process);
                return -ENOMEM;
        }
        connection->process = *process;
        *process = AGENT_PROCESS_NULL;
        connection->state = WIRE_GREETING;
        connection->born_ns = connection->heard_ns = connection->pinged_ns = clock_now_ns();
        connection->max_runs = CONNECTION_RUNS_BEFORE_WELCOME;
        buffer_init(&connection->in, READ_BYTES + FRAME_PAYLOAD_MAX + sizeof(FrameHeader));
        outbox_init(&connection->out);
        r = connection_put(connection, FRAME_HELLO, 0, &hello, sizeof(hello), NULL);
        if (r)
                return r;
        *connectionp = take_ptr(&connection);
        return 0;
}

static void connection_release(Connection *connection) {
        buffer_deinit(&connection->in);
        outbox_deinit(&connection->out);
        free(connection);
}

Connection *connection_free(Connection *connection) {
        if (!connection)
                return NULL;
        if (connection->violated)
                agent_process_kill(&connection->process);
        else
                agent_process_deinit(&connection->process);
        connection_release(connection);
        return NULL;
}

Connection *connection_forget(Connection *connection) {
        if (!connection)
                return NULL;
        agent_process_forget(&connection->process);
        connection_release(connection);
        return NULL;
}

int connection_put(Connection *connection,
                   FrameType type,
                   uint64_t stream,
                   const void *payload,
                   size_t length,
                   Failure *failure) {
        FrameHeader header = frame_header(type, stream, length);
        int r = outbox_put(&connection->out, &header, payload);

        if (r == OUTBOX_E_FULL) {
                connection->violated = true;
                return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: spr-agent does not read what it is sent");
        }
        if (r)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r, "cannot queue a frame");
        return 0;
}

static int connection_gone(Connection *connection, Failure *failure, int code) {
        if (connection->process.bootstrap)
                return bootstrap_explain(connection->process.bootstrap,
                                         buffer_bytes(&connection->in),
                                         buffer_length(&connection->in), code, failure);
        return failure_set(failure, FAILURE_STAGE_AGENT, code, "spr-agent ended");
}

bool connection_is_pending(const Connection *connection) {
        const Bootstrap *bootstrap = connection->process.bootstrap;

        if (bootstrap && bootstrap_is_pending(bootstrap))
                return true;
        return (!bootstrap || bootstrap_has_sent(bootstrap)) && outbox_pending(&connection->out);
}

int connection_flush(Connection *connection, Failure *failure) {
        Bootstrap *bootstrap = connection->process.bootstrap;
        int r = bootstrap ? bootstrap_write(bootstrap, connection_fd(connection)) : 0;

        if (r == 0 && (!bootstrap || bootstrap_has_sent(bootstrap)))
                r = outbox_flush(&connection->out, connection_fd(connection));
        if (r == -EPIPE || r == -ECONNRESET)
                return connection_gone(connection, failure, -r);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_AGENT, -r, "cannot write to spr-agent");
        return 0;
}

static int connection_welcome(Connection *connection, const uint8_t *payload, Failure *failure) {
        WelcomeFrame welcome;

        memcpy(&welcome, payload, sizeof(welcome));
        if (welcome.magic != WIRE_MAGIC)
                return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "spr-agent does not speak the protocol of this library");
        if (welcome.major != WIRE_VERSION_MAJOR)
                return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "spr-agent speaks version %u.%u of the protocol, this library "
                                   "%d.%d: they belong to different releases",
                                   welcome.major, welcome.minor, WIRE_VERSION_MAJOR,
                                   WIRE_VERSION_MINOR);
        connection->state = WIRE_OPEN;
        connection->max_runs = welcome.max_runs > 0 ? welcome.max_runs : 1;
        return 0;
}

/* About the connection as a whole, the agent gives up. */
static int connection_refused(const uint8_t *payload, Failure *failure) {
        Failure told;

        memcpy(&told, payload, sizeof(told));
        failure_sanitise(&told);
        return failure_set(failure, FAILURE_STAGE_AGENT, told.code > 0 ? told.code : EPROTO,
                           "spr-agent gave up: %.400s", told.text);
}

static int connection_dispatch(Connection *connection,
                               const FrameHeader *header,
                               const uint8_t *payload,
                               const ConnectionHandler *handler,
                               Failure *failure) {
        switch (header->type) {
        case FRAME_WELCOME:
                return connection_welcome(connection, payload, failure);
        case FRAME_PING:
                return connection_put(connection, FRAME_PONG, 0, payload, header->length, failure);
        case FRAME_PONG:
                return 0; /* of a lease; a local agent needs none */
        case FRAME_FAILURE:
                if (header->stream == 0)
                        return connection_refused(payload, failure);
                break;
        default:
                break;
        }
        return handler->frame(handler->userdata, header, payload, failure);
}

/* Handles the whole frames in the buffer. */
static int
connection_parse(Connection *connection, const ConnectionHandler *handler, Failure *failure) {
        FrameHeader header;
        int r;

        while (buffer_length(&connection->in) >= sizeof(header)) {
                const uint8_t *bytes = buffer_bytes(&connection->in);

                memcpy(&header, bytes, sizeof(header));
                r = frame_check(&header, SENDER_AGENT_TO_HOST, connection->state, failure);
                if (r)
                        return r;
                if (buffer_length(&connection->in) < sizeof(header) + header.length)
                        return 0;
                r = connection_dispatch(connection, &header, bytes + sizeof(header), handler,
                                        failure);
                if (r)
                        return r;
                buffer_consume(&connection->in, sizeof(header) + header.length);
        }
        return 0;
}

/* What comes before the agent speaks. */
static int connection_bootstrap(Connection *connection, Failure *failure) {
        Bootstrap *bootstrap = connection->process.bootstrap;
        size_t consumed;
        int r;

        if (!bootstrap || bootstrap_is_over(bootstrap))
                return 0;
        r = bootstrap_read(bootstrap, buffer_bytes(&connection->in), buffer_length(&connection->in),
                           &consumed, failure);
        if (r == 0)
                buffer_consume(&connection->in, consumed);
        return r;
}

static bool connection_is_ready(const Connection *connection) {
        const Bootstrap *bootstrap = connection->process.bootstrap;

        return !bootstrap || bootstrap_is_over(bootstrap);
}

static int connection_read(Connection *connection, size_t *lengthp, Failure *failure) {
        uint8_t *space;
        ssize_t n;
        int r;

        r = buffer_reserve(&connection->in, READ_BYTES, &space);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, r < 0 ? -r : ENOBUFS,
                                     "cannot read from spr-agent");
        n = fd_read(connection_fd(connection), space, READ_BYTES);
        if (n == -EAGAIN)
                n = 0;
        else if (n == 0 || n == -ECONNRESET)
                return connection_gone(connection, failure, EPIPE);
        else if (n < 0)
                return failure_errno(failure, FAILURE_STAGE_AGENT, (int)-n,
                                     "cannot read from spr-agent");
        buffer_commit(&connection->in, (size_t)n);
        if (n > 0)
                connection->heard_ns = clock_now_ns();
        *lengthp = (size_t)n;
        return 0;
}

int connection_receive(Connection *connection, const ConnectionHandler *handler, Failure *failure) {
        size_t length = READ_BYTES;
        int r;

        /* A short read has emptied the socket: no further call is needed to learn that. */
        for (size_t i = 0; i < READS_PER_CALL && length == READ_BYTES; ++i) {
                r = connection_read(connection, &length, failure);
                if (r)
                        return r;
                r = connection_bootstrap(connection, failure);
                if (r == 0 && connection_is_ready(connection))
                        r = connection_parse(connection, handler, failure);
                if (r) {
                        connection->violated = true;
                        return r;
                }
        }
        return 0;
}
