/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failure.h"
#include "wire/frame.h"
#include "wire/messages.h"
#include "wire/packet.h"

/* What frame.h and messages.h promise, written down once more: who, in which state, on which kind
 * of stream ('0' the connection, 'n' a run or an environment, '*' either), how long. */
#define A (SENDER_AGENT_TO_HOST)
#define H (SENDER_HOST)
#define Z (SENDER_ZYGOTE)
#define W (SENDER_WORKER)

static const struct Promise {
        unsigned int type, senders, states;
        char stream;
        uint32_t min, max;
} promises[] = {
        {FRAME_HELLO, H, WIRE_GREETING, '0', 16, 16},
        {FRAME_WELCOME, A, WIRE_GREETING, '0', 16, 16},
        {FRAME_ENV_OPEN, H, WIRE_OPEN, 'n', 32, FRAME_PAYLOAD_MAX},
        {FRAME_ENV_READY, A, WIRE_OPEN, 'n', 16, FRAME_PAYLOAD_MAX},
        {FRAME_ENV_CLOSE, H, WIRE_OPEN, 'n', 0, 0},
        {FRAME_SUBMIT, H, WIRE_OPEN, 'n', 128, 128},
        {FRAME_DATA, H | A, WIRE_OPEN, 'n', 0, FRAME_PAYLOAD_MAX},
        {FRAME_CREDIT, H | A, WIRE_OPEN, 'n', 8, 8},
        {FRAME_CANCEL, H, WIRE_OPEN, 'n', 0, 0},
        {FRAME_RESULT, A, WIRE_OPEN, 'n', 120, 120},
        {FRAME_FAILURE, A, WIRE_GREETING | WIRE_OPEN, '*', 488, 488},
        {FRAME_PING, H | A, WIRE_OPEN, '0', 0, 64},
        {FRAME_PONG, H | A, WIRE_OPEN, '0', 0, 64},
        {FRAME_GOODBYE, H, WIRE_GREETING | WIRE_OPEN, '0', 0, 0},
        {FRAME_ZYGOTE_READY, Z, WIRE_GREETING, '0', 16, FRAME_PAYLOAD_MAX},
        {FRAME_ZYGOTE_SPAWN, SENDER_AGENT_TO_ZYGOTE, WIRE_OPEN, 'n', 64, 64},
        {FRAME_ZYGOTE_SPAWNED, Z, WIRE_OPEN, 'n', 8, 8},
        {FRAME_ZYGOTE_EXITED, Z, WIRE_OPEN, 'n', 40, 40},
        {FRAME_ZYGOTE_FAILURE, Z, WIRE_GREETING | WIRE_OPEN, '*', 488, 488},
        {FRAME_ZYGOTE_PRELOAD, SENDER_AGENT_TO_ZYGOTE, WIRE_GREETING, '0', 1, PACKET_PAYLOAD_MAX},
        {FRAME_WORKER_READY, W, WIRE_GREETING, 'n', 16, 16},
        {FRAME_WORKER_RUN, SENDER_AGENT_TO_WORKER, WIRE_WAITING, 'n', 48, 48},
        {FRAME_WORKER_ENDED, W, WIRE_RUNNING, 'n', 24, 24},
        {FRAME_WORKER_RESULT, W, WIRE_RUNNING, 'n', 24, 24},
        {FRAME_WORKER_IMPORTS, W, WIRE_RUNNING, 'n', 1, WORKER_IMPORTS_MAX},
        {FRAME_WORKER_FAILURE, W, WIRE_GREETING | WIRE_RUNNING, 'n', 488, 488},
};

static const struct Promise *promise_of(unsigned int type) {
        for (size_t i = 0; i < ARRAY_SIZE(promises); ++i)
                if (promises[i].type == type)
                        return &promises[i];
        return NULL;
}

static int check(FrameHeader header, unsigned int sender, unsigned int state) {
        Failure failure = FAILURE_NULL;
        int r = frame_check(&header, (FrameSender)sender, (WireState)state, &failure);

        assert_true(r == 0 || r == -EPROTO);
        assert_int_equal(failure.text[0] != '\0', r != 0);
        assert_int_equal(frame_check(&header, (FrameSender)sender, (WireState)state, NULL), r);
        return r;
}

static void test_type_by_sender_by_state_by_stream(void **state) {
        (void)state;
        for (unsigned int type = 0; type < 256; ++type) {
                const struct Promise *promise = promise_of(type);

                for (unsigned int i = 0; i < 6 * 4 * 2; ++i) {
                        unsigned int sender = 1u << i % 6, where = 1u << i / 6 % 4, stream = i / 24;
                        FrameHeader header =
                                frame_header((FrameType)type, stream, promise ? promise->min : 0);
                        bool legal = promise && (promise->senders & sender) &&
                                     (promise->states & where) &&
                                     (promise->stream == '*' ||
                                      (promise->stream == 'n') == (stream != 0));

                        if ((check(header, sender, where) == 0) != legal)
                                fail_msg("type %u, sender %u, state %u, stream %u", type, sender,
                                         where, stream);
                }
                assert_int_equal(strcmp(frame_name(type), "unknown") != 0, promise != NULL);
        }
        assert_string_equal(frame_name(UINT32_MAX), "unknown");
}

static void test_lengths(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(promises); ++i) {
                const struct Promise *promise = &promises[i];
                const struct {
                        uint32_t length;
                        bool legal;
                } rows[] = {
                        {promise->min - 1, false}, /* also UINT32_MAX, where it is 0 */
                        {promise->min, true},      {promise->max, true},
                        {promise->max + 1, false}, {UINT32_MAX, false},
                };

                for (size_t j = 0; j < ARRAY_SIZE(rows); ++j) {
                        FrameHeader header =
                                frame_header((FrameType)promise->type,
                                             promise->stream == '0' ? 0 : 1, rows[j].length);

                        if ((check(header, promise->senders & -promise->senders,
                                   promise->states & -promise->states) == 0) != rows[j].legal)
                                fail_msg("type %u, length %u", promise->type, rows[j].length);
                }
        }
}

static void test_flags(void **state) {
        (void)state;
        for (unsigned int flags = 0; flags < 256; ++flags) {
                FrameHeader data = {.type = FRAME_DATA, .stream = 1, .flags = (uint8_t)flags};
                FrameHeader cancel = {.type = FRAME_CANCEL, .stream = 1, .flags = (uint8_t)flags};

                assert_int_equal(check(data, SENDER_HOST, WIRE_OPEN) == 0,
                                 (flags & ~(unsigned int)FRAME_FLAG_END) < _DATA_CHANNEL_N);
                assert_int_equal(check(cancel, SENDER_HOST, WIRE_OPEN) == 0, flags == 0);
        }
}

static void test_reserved(void **state) {
        const FrameHeader rows[] = {
                {.type = FRAME_CANCEL, .stream = 1, .zero = 1},
                {.type = FRAME_CANCEL, .stream = 1, .call = 1},
                {.type = FRAME_CANCEL, .stream = 1, .zero2 = 1},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_int_equal(check(rows[i], SENDER_HOST, WIRE_OPEN), -EPROTO);
}

static void test_headers(void **state) {
        FrameHeader header = frame_data_header(DATA_STDERR_TAIL, true, 7, 65536);

        (void)state;
        assert_int_equal(header.flags, DATA_STDERR_TAIL | FRAME_FLAG_END);
        assert_int_equal(header.length, 65536);
        assert_int_equal(header.stream, 7);
        assert_int_equal(check(header, SENDER_AGENT_TO_HOST, WIRE_OPEN), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_type_by_sender_by_state_by_stream),
                cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_flags),
                cmocka_unit_test(test_reserved),
                cmocka_unit_test(test_headers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
