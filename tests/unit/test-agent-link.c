/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/link.h"
#include "base/failure.h"
#include "base/fd.h"
#include "wire/messages.h"

static Loop loop;
static HostLink host_link;
static int agent_end, agent_out, host_end;
static char heard[4096]; /* what came, as words */
static int answer;       /* of the function that is called for each frame */

static int
hear(HostLink *link, const FrameHeader *header, const uint8_t *payload, Failure *failure) {
        size_t at = strlen(heard);

        (void)snprintf(heard + at, sizeof(heard) - at, "%s:%u:%.*s ", frame_name(header->type),
                       header->length, (int)min_size(header->length, 8), (const char *)payload);
        if (header->type == FRAME_HELLO)
                link->state = WIRE_OPEN;
        if (answer)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO, "refused");
        return header->type == FRAME_PING ? link_send(link, frame_header(FRAME_PONG, 0, 0), NULL)
                                          : 0;
}

static int setup(void **state) {
        int pair[2];

        (void)state;
        heard[0] = '\0';
        answer = 0;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -1;
        host_end = pair[0];
        agent_end = pair[1];
        agent_out = dup(agent_end); /* as descriptors 0 and 1 of the program may be */
        if (fd_set_nonblock(host_end, true) || loop_init(&loop, NULL))
                return -1;
        return link_init(&host_link, &loop, agent_end, agent_out, hear, NULL);
}

static int teardown(void **state) {
        (void)state;
        link_deinit(&host_link);
        (void)close(agent_end);
        (void)close(agent_out);
        (void)fd_close(host_end);
        loop.epoll_fd = fd_close(loop.epoll_fd);
        return 0;
}

static void turn(void) {
        link_flush(&host_link);
        assert_int_equal(loop_run_once(&loop, 0), 0);
        link_flush(&host_link);
}

static void say(FrameHeader header, const void *payload) {
        assert_int_equal(fd_write_all(host_end, &header, sizeof(header)), 0);
        assert_int_equal(fd_write_all(host_end, payload, header.length), 0);
}

static void greet(void) {
        HelloFrame hello = {.magic = WIRE_MAGIC};

        say(frame_header(FRAME_HELLO, 0, sizeof(hello)), &hello);
        turn();
        assert_int_equal(host_link.state, WIRE_OPEN);
        heard[0] = '\0';
}

static void test_fragments(void **state) {
        HelloFrame hello = {.magic = WIRE_MAGIC};
        FrameHeader headers[] = {frame_header(FRAME_HELLO, 0, sizeof(hello)),
                                 frame_header(FRAME_CANCEL, 7, 0), frame_header(FRAME_PONG, 0, 3)};
        char bytes[256], *end = bytes;

        (void)state;
        end = (char *)memcpy(end, &headers[0], sizeof(headers[0])) + sizeof(headers[0]);
        end = (char *)memcpy(end, &hello, sizeof(hello)) + sizeof(hello);
        end = (char *)memcpy(end, &headers[1], sizeof(headers[1])) + sizeof(headers[1]);
        end = (char *)memcpy(end, &headers[2], sizeof(headers[2])) + sizeof(headers[2]);
        end = (char *)memcpy(end, "abc", 3) + 3;
        for (char *p = bytes; p < end; ++p) {
                assert_int_equal(write(host_end, p, 1), 1);
                turn();
        }
        assert_string_equal(heard, "HELLO:16:spr1 CANCEL:0: PONG:3:abc ");
        assert_false(host_link.closed);
}

/* Many in one read, and one that is larger than a read. */
static void test_heaps(void **state) {
        static uint8_t payload[FRAME_PAYLOAD_MAX];

        (void)state;
        greet();
        for (unsigned int i = 0; i < 50; ++i)
                say(frame_header(FRAME_PONG, 0, 1), "x");
        turn();
        for (const char *p = heard; *p; p += strlen("PONG:1:x "))
                assert_int_equal(strncmp(p, "PONG:1:x ", 9), 0);
        assert_int_equal(strlen(heard), 50 * strlen("PONG:1:x "));
        heard[0] = '\0';
        memset(payload, 'y', sizeof(payload));
        say(frame_data_header(DATA_CODE, true, 1, sizeof(payload)), payload);
        turn();
        turn();
        assert_string_equal(heard, "DATA:65536:yyyyyyyy ");
}

/* The words of the last FAILURE that the host was sent, and the end of the link. */
static void expect_refusal(const char *words) {
        struct {
                FrameHeader header;
                Failure failure;
        } frame;

        assert_true(host_link.closed);
        assert_int_equal(recv(host_end, &frame, sizeof(frame), 0), sizeof(frame));
        assert_int_equal(frame.header.type, FRAME_FAILURE);
        assert_int_equal(frame.header.stream, 0);
        assert_non_null(strstr(frame.failure.text, words));
}

static void test_illegal(void **state) {
        static const struct {
                bool greeted;
                FrameHeader header;
                const char *words;
        } rows[] = {
                {false, {.type = FRAME_PING}, "PING frame (type 12, 0 bytes) is not legal"},
                {false, {.type = FRAME_HELLO, .length = 15}, "wrong length"},
                {false, {.type = FRAME_HELLO, .length = UINT32_MAX}, "wrong length"},
                {true, {.type = FRAME_HELLO, .length = 16}, "not legal in this state"},
                {true, {.type = FRAME_WELCOME, .length = 16}, "wrong side"},
                {true, {.type = FRAME_RESULT, .stream = 1, .length = 120}, "wrong side"},
                {true, {.type = FRAME_CANCEL}, "names no stream"},
                {true, {.type = FRAME_CANCEL, .stream = 1, .flags = 1}, "has flags"},
                {true, {.type = FRAME_DATA, .stream = 1, .flags = 10}, "unknown channel"},
                {true, {.type = FRAME_CALL, .stream = 1}, "no known type"},
                {true, {.type = 255}, "no known type"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                if (rows[i].greeted)
                        greet();
                /* the header alone is enough: nothing waits for its payload */
                assert_int_equal(write(host_end, &rows[i].header, sizeof(FrameHeader)),
                                 sizeof(FrameHeader));
                turn();
                assert_string_equal(heard, "");
                expect_refusal(rows[i].words);
                (void)teardown(state);
                (void)setup(state);
        }
}

static void test_refused_by_the_function(void **state) {
        (void)state;
        greet();
        answer = 1;
        say(frame_header(FRAME_CANCEL, 1, 0), NULL);
        say(frame_header(FRAME_CANCEL, 2, 0), NULL);
        turn();
        assert_string_equal(heard, "CANCEL:0: "); /* the second is not looked at */
        expect_refusal("refused");
}

static void test_end_of_stream(void **state) {
        (void)state;
        greet();
        assert_int_equal(write(host_end, "\x0b\0\0", 3), 3); /* in the middle of a header */
        host_end = fd_close(host_end);
        turn();
        turn();
        assert_true(host_link.closed);
        assert_string_equal(heard, "");
}

/* A host that asks and does not listen: it is not read any more, the agent does not grow, and all
 * answers come when it listens again. */
static void test_back_pressure(void **state) {
        FrameHeader ping = frame_header(FRAME_PING, 0, 64), pong;
        uint8_t bytes[sizeof(ping) + 64] = {0};
        size_t n_pings = 0, n_pongs = 0;
        ssize_t n;

        (void)state;
        greet();
        memcpy(bytes, &ping, sizeof(ping));
        for (unsigned int stuck = 0; stuck < 3;) {
                n = write(host_end, bytes, sizeof(bytes));
                assert_true(n == -1 || n == (ssize_t)sizeof(bytes)); /* or the count is off */
                n_pings += n > 0;
                stuck = n > 0 ? 0 : stuck + 1;
                if (n < 0)
                        turn();
                heard[0] = '\0';
        }
        assert_true(buffer_length(&host_link.out) >= 1024 * 1024);
        assert_true(host_link.out.capacity <= 2 * 1024 * 1024);
        assert_false(host_link.closed);
        while (n_pongs < n_pings) {
                n = recv(host_end, &pong, sizeof(pong), MSG_WAITALL);
                if (n < 0) {
                        assert_int_equal(errno, EAGAIN);
                        turn();
                        heard[0] = '\0';
                        continue;
                }
                assert_int_equal(n, sizeof(pong));
                assert_int_equal(pong.type, FRAME_PONG);
                ++n_pongs;
        }
        turn();
        assert_int_equal(buffer_length(&host_link.out), 0);
}

static void test_data(void **state) {
        uint8_t bytes[64];
        uint8_t *space;

        (void)state;
        assert_true(link_has_room(&host_link));
        space = link_reserve_data(&host_link, 5);
        memcpy(space, "hello", 5);
        link_commit_data(&host_link, frame_data_header(DATA_STDOUT, true, 3, 5));
        turn();
        assert_int_equal(recv(host_end, bytes, sizeof(bytes), 0), sizeof(FrameHeader) + 5);
        assert_memory_equal(bytes + sizeof(FrameHeader), "hello", 5);
        while (link_has_room(&host_link)) {
                assert_non_null(link_reserve_data(&host_link, FRAME_PAYLOAD_MAX));
                link_commit_data(&host_link,
                                 frame_data_header(DATA_STDOUT, false, 3, FRAME_PAYLOAD_MAX));
        }
        assert_true(buffer_length(&host_link.out) < 512 * 1024);
}

/* There is a maximum even for answers. */
static void test_maximum(void **state) {
        static const Failure failure = {.stage = FAILURE_STAGE_AGENT};
        unsigned int n = 0;

        (void)state;
        while (!host_link.closed) {
                link_send_failure(&host_link, 1, &failure);
                ++n;
        }
        assert_true(n > 8000);
        assert_true(buffer_length(&host_link.out) <= 8 * 1024 * 1024);
        assert_false(link_has_room(&host_link));
        assert_int_equal(
                link_send(&host_link, frame_header(FRAME_FAILURE, 1, sizeof(failure)), &failure),
                -ENOMEM);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_fragments, setup, teardown),
                cmocka_unit_test_setup_teardown(test_heaps, setup, teardown),
                cmocka_unit_test_setup_teardown(test_illegal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused_by_the_function, setup, teardown),
                cmocka_unit_test_setup_teardown(test_end_of_stream, setup, teardown),
                cmocka_unit_test_setup_teardown(test_back_pressure, setup, teardown),
                cmocka_unit_test_setup_teardown(test_data, setup, teardown),
                cmocka_unit_test_setup_teardown(test_maximum, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
