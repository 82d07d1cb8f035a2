#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Fake agent: the other end of an engine's stream, in the hands of a test
 *
 * A transport whose agent is the test itself. In one thread: post, take what was sent, answer,
 * dispatch, pop; nothing blocks, so a conversation is a list of calls. Or fake_serve() in a thread
 * of its own answers every run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "client/engine.h"
#include "client/run.h"
#include "wire/frame.h"
#include "wire/messages.h"

typedef struct FakeAgent {
        Transport transport;
        int fd; /* the agent's end of the newest stream; -1 = none */
        unsigned int n_opens;
        bool refuses;
        uint64_t environment_id; /* of the newest ENV_OPEN taken */
} FakeAgent;

typedef struct FakeFrame {
        FrameHeader header;
        uint8_t payload[FRAME_PAYLOAD_MAX];
} FakeFrame;

static inline int fake_open(Transport *transport, AgentProcess *process, Failure *failure) {
        FakeAgent *fake = (FakeAgent *)transport;
        int pair[2];

        ++fake->n_opens;
        if (fake->refuses)
                return failure_set(failure, FAILURE_STAGE_AGENT, ENOENT, "cannot run 'fake'");
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        (void)fd_close(fake->fd);
        fake->fd = pair[1];
        *process = AGENT_PROCESS_NULL;
        process->stream_fd = pair[0];
        return fd_set_nonblock(pair[0], true);
}

static inline Transport *fake_free(Transport *transport) {
        (void)transport;
        return NULL;
}

static inline void fake_init(FakeAgent *fake) {
        *fake = (FakeAgent){.transport = {.open = fake_open, .free = fake_free}, .fd = -1};
}

static inline SprEngine *fake_engine(FakeAgent *fake) {
        Failure failure = FAILURE_NULL;
        EnvOpenFrame open = {.startup_timeout_ns = 1};
        char payload[sizeof(open) + sizeof("/py")];
        SprEngine *engine;
        Blob *blob;

        memcpy(payload, &open, sizeof(open));
        memcpy(payload + sizeof(open), "/py", sizeof("/py"));
        assert_int_equal(blob_new(&blob, payload, sizeof(payload)), 0);
        fake_init(fake);
        assert_int_equal(engine_new(&engine, blob, &fake->transport, &failure), 0);
        (void)blob_unref(blob);
        return engine;
}

static inline void fake_end(FakeAgent *fake, SprEngine *engine) {
        (void)spr_engine_free(engine);
        fake->fd = fd_close(fake->fd);
}

static inline SprRequest *fake_request(const char *code) {
        SprRequest *request;

        assert_int_equal(spr_request_new(&request), 0);
        assert_int_equal(spr_request_set_code(request, code, strlen(code)), 0);
        return request;
}

/* false at the end of the stream */
static inline bool fake_read_all(int fd, void *buffer, size_t length) {
        uint8_t *at = buffer;

        while (length > 0) {
                ssize_t n = fd_read(fd, at, length);

                if (n <= 0)
                        return false;
                at += n;
                length -= (size_t)n;
        }
        return true;
}

static inline bool fake_take(FakeAgent *fake, FakeFrame *frame) {
        return fake_read_all(fake->fd, &frame->header, sizeof(frame->header)) &&
               fake_read_all(fake->fd, frame->payload, frame->header.length);
}

/* Takes the next frame, which must be of this type, and returns its stream. */
static inline uint64_t fake_expect(FakeAgent *fake, FrameType type) {
        static _Thread_local FakeFrame frame;

        assert_true(fake_take(fake, &frame));
        assert_string_equal(frame_name(frame.header.type), frame_name(type));
        return frame.header.stream;
}

/* Whether everything that was sent has been taken. */
static inline bool fake_is_quiet(const FakeAgent *fake) {
        char byte;

        return recv(fake->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The host may have closed its end. */
static inline int fake_write(int fd, const void *bytes, size_t length) {
        const char *at = bytes;

        while (length > 0) {
                ssize_t n = send(fd, at, length, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += n;
                length -= (size_t)n;
        }
        return 0;
}

static inline void
fake_send(FakeAgent *fake, FrameType type, uint64_t stream, const void *payload, size_t length) {
        FrameHeader header = frame_header(type, stream, length);

        (void)fake_write(fake->fd, &header, sizeof(header));
        if (length > 0)
                (void)fake_write(fake->fd, payload, length);
}

static inline void fake_send_data(FakeAgent *fake,
                                  DataChannel channel,
                                  bool end,
                                  uint64_t stream,
                                  const void *bytes,
                                  size_t n) {
        FrameHeader header = frame_data_header(channel, end, stream, n);

        (void)fake_write(fake->fd, &header, sizeof(header));
        if (n > 0)
                (void)fake_write(fake->fd, bytes, n);
}

static inline void fake_send_welcome(FakeAgent *fake, uint32_t max_runs) {
        WelcomeFrame welcome = {
                .magic = WIRE_MAGIC,
                .major = WIRE_VERSION_MAJOR,
                .minor = WIRE_VERSION_MINOR,
                .max_runs = max_runs,
        };

        fake_send(fake, FRAME_WELCOME, 0, &welcome, sizeof(welcome));
}

static inline void fake_send_ready(FakeAgent *fake) {
        EnvReadyFrame ready = {.hexversion = 0x030b0000};
        char payload[sizeof(ready) + sizeof("3.11.0\0/usr")];

        memcpy(payload, &ready, sizeof(ready));
        memcpy(payload + sizeof(ready), "3.11.0\0/usr", sizeof("3.11.0\0/usr"));
        fake_send(fake, FRAME_ENV_READY, fake->environment_id, payload, sizeof(payload));
}

static inline void
fake_send_failure(FakeAgent *fake, uint64_t stream, FailureStage stage, const char *text) {
        Failure failure = FAILURE_NULL;

        (void)failure_lit(&failure, stage, 0, text);
        fake_send(fake, FRAME_FAILURE, stream, &failure, sizeof(failure));
}

/* HELLO and ENV_OPEN are taken, WELCOME and ENV_READY given. */
static inline void fake_greet(FakeAgent *fake, uint32_t max_runs) {
        (void)fake_expect(fake, FRAME_HELLO);
        fake->environment_id = fake_expect(fake, FRAME_ENV_OPEN);
        fake_send_welcome(fake, max_runs);
        fake_send_ready(fake);
}

/* Takes a SUBMIT and its DATA up to the end mark; returns the run. */
static inline uint64_t fake_take_run(FakeAgent *fake) {
        static _Thread_local FakeFrame frame;
        uint64_t stream = fake_expect(fake, FRAME_SUBMIT);

        do {
                assert_true(fake_take(fake, &frame));
                assert_int_equal(frame.header.type, FRAME_DATA);
                assert_int_equal(frame.header.stream, stream);
        } while (!(frame.header.flags & FRAME_FLAG_END));
        return stream;
}

/* A RESULT with a JSON text and what was printed. */
static inline void
fake_send_result(FakeAgent *fake, uint64_t run, const char *json, const char *out) {
        ResultFrame frame = {
                .outcome = OUTCOME_OK,
                .flags = json[0] ? RESULT_FLAG_HAS_RESULT : 0u,
                .result_size = strlen(json),
                .stdout_size = strlen(out),
                .stdout_total = strlen(out),
        };

        fake_send(fake, FRAME_RESULT, run, &frame, sizeof(frame));
        if (json[0])
                fake_send_data(fake, DATA_RESULT, !out[0], run, json, strlen(json));
        if (out[0])
                fake_send_data(fake, DATA_STDOUT, true, run, out, strlen(out));
}

/* A thread: answers every run with its number, until the stream ends. */
static inline void *fake_serve(void *argument) {
        FakeAgent *fake = argument;
        FakeFrame *frame = malloc(sizeof(*frame));
        char json[32];

        while (frame && fake_take(fake, frame)) {
                uint64_t stream = frame->header.stream;

                if (frame->header.type == FRAME_HELLO)
                        fake_send_welcome(fake, 64);
                if (frame->header.type == FRAME_ENV_OPEN) {
                        fake->environment_id = stream;
                        fake_send_ready(fake);
                }
                if (frame->header.type != FRAME_DATA || !(frame->header.flags & FRAME_FLAG_END))
                        continue;
                (void)snprintf(json, sizeof(json), "%llu", (unsigned long long)stream);
                fake_send_result(fake, stream, json, "");
        }
        free(frame);
        return NULL;
}
