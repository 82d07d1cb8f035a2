/* SPDX-License-Identifier: MIT */
/*
 * The agent against a zygote and workers that send anything, with a run in flight: packets, the
 * counters in the region, output. What the host hears stays well-formed, and says of the run once
 * what became of it.
 *
 * The input is a list of deeds: who (FuzzActor), the length in two bytes, the bytes. The first byte
 * says whether the zygote is ready beforehand.
 */
#include <string.h>

#include "fuzz-agent.h"
#include "wire/messages.h"
#include "wire/packet.h"

#define ENVIRONMENT_ID 3
#define RUN_ID         5

typedef enum FuzzActor {
        FUZZ_ZYGOTE,         /* a packet on the control socket */
        FUZZ_ZYGOTE_WITH_FD, /* the same with a descriptor, which is no pidfd */
        FUZZ_WORKER,         /* a packet on the worker's socket */
        FUZZ_REGION,         /* the first bytes of the region */
        FUZZ_OUTPUT,         /* bytes on its stdout */
        FUZZ_HANG_UP,        /* it closes all that it has */
        FUZZ_HOST,           /* bytes from the host */
        _FUZZ_ACTOR_N,
} FuzzActor;

/* What a worker is given first: ZYGOTE_SPAWN. */
enum {
        WORKER_SOCKET,
        WORKER_STDOUT,
        WORKER_STDERR,
        WORKER_REGION,
        _WORKER_FD_N,
};

static int worker_fds[FD_PASS_MAX];
static size_t n_worker_fds;
static Buffer heard;      /* by the host */
static bool host_is_fair; /* all it sent was what we wrote below */
static unsigned int n_answers;

static void worker_hang_up(void) {
        for (size_t i = 0; i < n_worker_fds; ++i)
                (void)fd_close(worker_fds[i]);
        n_worker_fds = 0;
}

/* The last worker that the zygote is asked for is the one that acts. */
static void take_worker(void) {
        int fds[FD_PASS_MAX];
        size_t n = ARRAY_SIZE(fds);
        Packet packet;

        while (fuzz.zygote_fd >= 0 &&
               packet_receive(fuzz.zygote_fd, &packet, SENDER_AGENT_TO_ZYGOTE, WIRE_OPEN, fds, &n,
                              NULL) > 0) {
                worker_hang_up();
                memcpy(worker_fds, fds, n * sizeof(*fds));
                n_worker_fds = n;
                n = ARRAY_SIZE(fds);
        }
}

static void check_frame(const FrameHeader *header, const uint8_t *payload) {
        ResultFrame result;

        want(frame_check(header, SENDER_AGENT_TO_HOST,
                         header->type == FRAME_WELCOME ? WIRE_GREETING : WIRE_OPEN, NULL) == 0);
        if (header->stream != RUN_ID)
                return;
        if (header->type == FRAME_RESULT || header->type == FRAME_FAILURE)
                ++n_answers;
        if (header->type != FRAME_RESULT)
                return;
        memcpy(&result, payload, sizeof(result));
        want(result.result_size <= 1000 && result.stdout_size <= 1000);
        want(result.stdout_size <= result.stdout_total);
}

static void host_listens(void) {
        uint8_t *space;
        ssize_t n;

        do {
                want(buffer_reserve(&heard, FRAME_PAYLOAD_MAX, &space) == 0);
                n = recv(fuzz.host_fd, space, FRAME_PAYLOAD_MAX, MSG_DONTWAIT);
                buffer_commit(&heard, n > 0 ? (size_t)n : 0);
        } while (n > 0);
        while (buffer_length(&heard) >= sizeof(FrameHeader)) {
                FrameHeader header;

                memcpy(&header, buffer_bytes(&heard), sizeof(header));
                want(header.length <= FRAME_PAYLOAD_MAX);
                if (buffer_length(&heard) < sizeof(header) + header.length)
                        return;
                check_frame(&header, buffer_bytes(&heard) + sizeof(header));
                buffer_consume(&heard, sizeof(header) + header.length);
        }
}

static void turn(void) {
        for (unsigned int i = 0; i < 3; ++i)
                fuzz_agent_turn();
        take_worker();
        host_listens();
}

static void host_sends(FrameHeader header, const void *payload) {
        want(fd_write_all(fuzz.host_fd, &header, sizeof(header)) == 0);
        want(fd_write_all(fuzz.host_fd, payload, header.length) == 0);
}

static void submit(void) {
        static const HelloFrame hello = {.magic = WIRE_MAGIC, .major = WIRE_VERSION_MAJOR};
        static const struct {
                EnvOpenFrame open;
                char python[8];
        } open = {{.startup_timeout_ns = UINT64_C(1) << 40}, "/python"};
        static const SubmitFrame request = {
                .environment = ENVIRONMENT_ID,
                .timeout_ns = UINT64_C(1) << 40,
                .output_bytes = 1000,
                .result_bytes = 1000,
                .code_size = 3,
                .disk_bytes = 4096,
                .file_bytes = 4096,
                .max_processes = 1,
        };

        host_sends(frame_header(FRAME_HELLO, 0, sizeof(hello)), &hello);
        host_sends(frame_header(FRAME_ENV_OPEN, ENVIRONMENT_ID, sizeof(open)), &open);
        host_sends(frame_header(FRAME_SUBMIT, RUN_ID, sizeof(request)), &request);
        host_sends(frame_data_header(DATA_CODE, true, RUN_ID, 3), "x=1");
        turn();
        want(fuzz.agent.n_runs == 1 && fuzz.zygote_fd >= 0);
}

static void zygote_is_ready(void) {
        static const struct {
                ZygoteReadyFrame ready;
                char version[7], prefix[5];
        } ready = {{.layers = LAYER_BIT(LAYER_MOUNT_NAMESPACE), .n_threads = 1}, "3.11.2", "/usr"};

        want(packet_send(fuzz.zygote_fd, FRAME_ZYGOTE_READY, 0, &ready,
                         sizeof(ready.ready) + sizeof(ready.version) + sizeof(ready.prefix), NULL,
                         0) == 0);
        turn();
        want(n_worker_fds >= _WORKER_FD_N);
}

/* Whatever comes of it: sockets may be full or closed. */
static void act(FuzzActor actor, const uint8_t *data, size_t size) {
        bool here = n_worker_fds >= _WORKER_FD_N;

        if (actor == FUZZ_ZYGOTE)
                (void)fd_send_message(fuzz.zygote_fd, data, size, NULL, 0);
        if (actor == FUZZ_ZYGOTE_WITH_FD)
                (void)fd_send_message(fuzz.zygote_fd, data, size, &fuzz.host_fd, 1);
        if (actor == FUZZ_WORKER && here)
                (void)fd_send_message(worker_fds[WORKER_SOCKET], data, size, NULL, 0);
        if (actor == FUZZ_REGION && here)
                (void)fd_pwrite_all(worker_fds[WORKER_REGION], data, size, 0);
        if (actor == FUZZ_OUTPUT && here)
                (void)fd_write(worker_fds[WORKER_STDOUT], data, size);
        if (actor == FUZZ_HANG_UP)
                worker_hang_up();
        if (actor == FUZZ_HOST) {
                host_is_fair = false;
                (void)fd_write(fuzz.host_fd, data, size);
        }
        turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t length;

        if (size < 1)
                return 0;
        fuzz_agent_open();
        buffer_init(&heard, 4 * FRAME_PAYLOAD_MAX);
        host_is_fair = true;
        n_answers = 0;
        submit();
        if (data[0] & 1)
                zygote_is_ready();
        for (size_t at = 1; at + 3 <= size && !fuzz.agent.link.closed; at += 3 + length) {
                length = min_size(data[at + 1] + 256u * data[at + 2], size - at - 3);
                act((FuzzActor)(data[at] % _FUZZ_ACTOR_N), data + at + 3, length);
        }
        want(!host_is_fair || (n_answers <= 1 && !fuzz.agent.link.closed));
        fuzz_agent_close();
        worker_hang_up();
        buffer_deinit(&heard);
        return 0;
}
