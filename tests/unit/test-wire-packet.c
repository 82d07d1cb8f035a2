/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/failure.h"
#include "base/fd.h"
#include "wire/messages.h"
#include "wire/packet.h"

static int pair[2];

static int open_pair(void **state) {
        (void)state;
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
}

static int close_pair(void **state) {
        (void)state;
        pair[0] = fd_close(pair[0]);
        pair[1] = fd_close(pair[1]);
        return 0;
}

static int receive(Packet *packet, Failure *failure) {
        return packet_receive(pair[1], packet, SENDER_ZYGOTE, WIRE_OPEN, NULL, NULL, failure);
}

static void test_round_trip(void **state) {
        ZygoteSpawnedFrame spawned = {.pid = 17};
        Failure failure = FAILURE_NULL;
        Packet packet;
        size_t n_fds = 1;
        int fd = -1;

        (void)state;
        assert_int_equal(receive(&packet, &failure), -EAGAIN);
        assert_int_equal(packet_send(pair[0], FRAME_ZYGOTE_SPAWNED, 5, &spawned, sizeof(spawned),
                                     &pair[0], 1),
                         0);
        assert_int_equal(
                packet_receive(pair[1], &packet, SENDER_ZYGOTE, WIRE_OPEN, &fd, &n_fds, &failure),
                1);
        assert_int_equal(packet.header.stream, 5);
        assert_memory_equal(packet.payload, &spawned, sizeof(spawned));
        assert_int_equal(n_fds, 1);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        (void)fd_close(fd);
        pair[0] = fd_close(pair[0]);
        assert_int_equal(receive(&packet, &failure), 0);
}

/* Raw messages that are no packet, or not one that may come now. */
static void test_nonsense(void **state) {
        static const struct {
                FrameHeader header;
                size_t length;
        } rows[] = {
                {{.type = FRAME_ZYGOTE_SPAWNED, .stream = 1, .length = 8}, 1},
                {{.type = FRAME_ZYGOTE_SPAWNED, .stream = 1, .length = 8}, sizeof(FrameHeader) - 1},
                {{.type = FRAME_ZYGOTE_SPAWNED, .stream = 1, .length = 8}, sizeof(FrameHeader)},
                {{.type = FRAME_ZYGOTE_SPAWNED, .stream = 1, .length = 8}, sizeof(FrameHeader) + 7},
                {{.type = FRAME_ZYGOTE_SPAWNED, .stream = 1, .length = 8}, sizeof(FrameHeader) + 9},
                {{.type = FRAME_ZYGOTE_SPAWNED, .stream = 1, .length = UINT32_MAX - 15},
                 sizeof(FrameHeader) - 16 + 8},
                {{.type = FRAME_ZYGOTE_SPAWNED, .stream = 0, .length = 8}, sizeof(FrameHeader) + 8},
                {{.type = FRAME_WORKER_ENDED, .stream = 1}, sizeof(FrameHeader)},
                {{.type = 255, .stream = 1}, sizeof(FrameHeader)},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Failure failure = FAILURE_NULL;
                size_t n_fds = 1;
                Packet packet = {.header = rows[i].header};
                int fd = -1, before = dup(0);

                assert_int_equal(fd_send_message(pair[0], &packet, rows[i].length, &pair[0], 1), 0);
                assert_int_equal(packet_receive(pair[1], &packet, SENDER_ZYGOTE, WIRE_OPEN, &fd,
                                                &n_fds, &failure),
                                 -EPROTO);
                assert_non_null(strstr(failure.text, "protocol error"));
                /* the descriptor that came with it is gone */
                (void)fd_close(before);
                fd = dup(0);
                assert_int_equal(fd, before);
                (void)fd_close(fd);
        }
}

static void test_too_long(void **state) {
        static uint8_t bytes[sizeof(Packet) + 1];
        Failure failure = FAILURE_NULL;
        Packet packet;

        (void)state;
        assert_int_equal(fd_send_message(pair[0], bytes, sizeof(bytes), NULL, 0), 0);
        assert_int_equal(receive(&packet, &failure), -EMSGSIZE);
}

/* Where nobody reads, a non-blocking sender is told; nothing is half sent. */
static void test_full(void **state) {
        ZygoteSpawnedFrame spawned = {0};
        Failure failure = FAILURE_NULL;
        Packet packet;
        unsigned int n = 0;
        int r;

        (void)state;
        while (!(r = packet_send(pair[0], FRAME_ZYGOTE_SPAWNED, ++n, &spawned, sizeof(spawned),
                                 NULL, 0)))
                ;
        assert_int_equal(r, -EAGAIN);
        for (unsigned int i = 1; i < n; ++i) {
                assert_int_equal(receive(&packet, &failure), 1);
                assert_int_equal(packet.header.stream, i);
        }
        assert_int_equal(receive(&packet, &failure), -EAGAIN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_round_trip, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(test_nonsense, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(test_too_long, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(test_full, open_pair, close_pair),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
