/* SPDX-License-Identifier: MIT */
/* Any bytes from the agent, with two runs in flight: nothing breaks, every run gets one answer. The
 * first byte says whether the greeting is given beforehand and how the rest is cut into pieces. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "client/engine.h"
#include "wire/frame.h"
#include "wire/messages.h"

#define N_RUNS 2

typedef struct Fuzz {
        Transport transport;
        int fd;
} Fuzz;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void want(bool condition) {
        if (!condition)
                __builtin_trap();
}

static int fuzz_open(Transport *transport, AgentProcess *process, Failure *failure) {
        int pair[2];

        (void)failure;
        want(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        ((Fuzz *)transport)->fd = pair[1];
        *process = AGENT_PROCESS_NULL;
        process->stream_fd = pair[0];
        return 0;
}

static Transport *fuzz_free(Transport *transport) {
        (void)transport;
        return NULL;
}

static void greet(int fd) {
        struct {
                FrameHeader header;
                WelcomeFrame welcome;
        } frame = {
                .header = frame_header(FRAME_WELCOME, 0, sizeof(frame.welcome)),
                .welcome = {.magic = WIRE_MAGIC, .major = WIRE_VERSION_MAJOR, .max_runs = 8},
        };

        want(fd_write_all(fd, &frame, sizeof(frame)) == 0);
}

static size_t pop_all(SprEngine *engine) {
        SprResult *result;
        size_t n = 0;
        char *json;

        for (; spr_engine_pop(engine, &result) == 0; ++n) {
                want(spr_result_to_json(result, &json) == 0);
                free(json);
                (void)spr_result_free(result);
        }
        return n;
}

static size_t feed(SprEngine *engine, int fd, const uint8_t *data, size_t size, size_t piece) {
        size_t n = 0;

        while (size > 0 && engine->connection) {
                size_t length = min_size(size, piece);

                if (fd_write_all(fd, data, length))
                        break;
                (void)spr_engine_dispatch(engine, NULL);
                n += pop_all(engine);
                data += length;
                size -= length;
        }
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Fuzz fuzz = {.transport = {.open = fuzz_open, .free = fuzz_free}, .fd = -1};
        SprRequest *request;
        SprEngine *engine;
        size_t n_results;
        Blob *blob;

        if (size < 1)
                return 0;
        want(blob_new(&blob, (char[sizeof(EnvOpenFrame) + 4]){0}, sizeof(EnvOpenFrame) + 4) == 0);
        want(engine_new(&engine, blob, &fuzz.transport, NULL) == 0);
        want(spr_request_new(&request) == 0);
        for (size_t i = 0; i < N_RUNS; ++i)
                want(spr_engine_post(engine, request, NULL, NULL) == 0);
        if (data[0] & 1)
                greet(fuzz.fd);
        n_results = feed(engine, fuzz.fd, data + 1, size - 1, 1 + (size_t)(data[0] >> 1) * 32);
        spr_engine_close(engine);
        want(n_results + pop_all(engine) == N_RUNS);
        (void)spr_request_free(request);
        (void)spr_engine_free(engine);
        (void)blob_unref(blob);
        (void)fd_close(fuzz.fd);
        return 0;
}
