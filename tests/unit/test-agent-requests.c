/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent-host.h"

static int setup(void **state) {
        (void)state;
        host_start_kind(true);
        return 0;
}

static void test_greeting(void **state) {
        static const struct {
                HelloFrame hello;
                const char *words; /* NULL = welcome */
        } rows[] = {
                {{.magic = WIRE_MAGIC, .major = WIRE_VERSION_MAJOR}, NULL},
                {{.magic = WIRE_MAGIC, .major = WIRE_VERSION_MAJOR, .minor = 99}, NULL},
                {{.magic = WIRE_MAGIC, .major = WIRE_VERSION_MAJOR + 1},
                 "the host speaks protocol version 2, this agent version 1"},
                {{.magic = WIRE_MAGIC, .major = 0}, "version 0"},
                {{.magic = UINT32_C(0x73707231), .major = WIRE_VERSION_MAJOR}, "version 0"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                WelcomeFrame welcome;

                if (i > 0)
                        (void)setup(state);
                host_send(frame_header(FRAME_HELLO, 0, sizeof(HelloFrame)), &rows[i].hello);
                if (rows[i].words) {
                        host_expect_failure(0, rows[i].words);
                        host_expect_end();
                } else {
                        host_expect(FRAME_WELCOME, 0);
                        memcpy(&welcome, host_last.payload, sizeof(welcome));
                        assert_int_equal(welcome.magic, WIRE_MAGIC);
                        assert_int_equal(welcome.major, WIRE_VERSION_MAJOR);
                        assert_int_equal(welcome.minor, WIRE_VERSION_MINOR);
                        assert_true(welcome.max_runs > 0 && welcome.pid > 0);
                }
                if (i + 1 < ARRAY_SIZE(rows))
                        assert_int_equal(host_teardown(state), 0);
        }
}

/* Every frame that a host may send has its row: none brings the agent down. */
static void test_every_type(void **state) {
        static uint8_t payload[4096];
        unsigned int n = 0;

        (void)state;
        host_hello();
        for (unsigned int type = FRAME_HELLO; type < _FRAME_N; ++type) {
                for (size_t length = 0; length < 200; ++length) {
                        FrameHeader header = frame_header((FrameType)type, 1, length);

                        if (type == FRAME_PING || type == FRAME_PONG)
                                header.stream = 0;
                        if (type == FRAME_GOODBYE || type == FRAME_ENV_OPEN ||
                            frame_check(&header, SENDER_HOST, WIRE_OPEN, NULL))
                                continue;
                        host_send(header, payload);
                        ++n;
                        break;
                }
        }
        assert_int_equal(n, 7); /* and HELLO, ENV_OPEN and GOODBYE */
        for (bool submitted = false, ponged = false; !submitted || !ponged;) {
                assert_true(host_receive());
                submitted |= host_last.header.type == FRAME_FAILURE;
                ponged |= host_last.header.type == FRAME_PONG;
        }
}

static void test_ping(void **state) {
        static const char bytes[64] = "any bytes, the same ones back";

        (void)state;
        host_hello();
        for (size_t length = 0; length <= sizeof(bytes); length += 16) {
                host_send(frame_header(FRAME_PING, 0, length), bytes);
                host_expect(FRAME_PONG, 0);
                assert_int_equal(host_last.header.length, length);
                assert_memory_equal(host_last.payload, bytes, length);
        }
        host_send(frame_header(FRAME_PING, 0, 65), host_last.payload);
        host_expect_failure(0, "wrong length");
        host_expect_end();
}

/* What crosses with the end of its run is no error. */
static void test_strangers(void **state) {
        CreditFrame credit = {.bytes = UINT32_MAX};

        (void)state;
        host_hello();
        host_send(frame_data_header(DATA_CODE, true, 99, 3), "abc");
        host_send(frame_header(FRAME_CREDIT, 99, sizeof(credit)), &credit);
        host_cancel(99);
        host_send(frame_header(FRAME_ENV_CLOSE, 99, 0), NULL);
        host_send(frame_header(FRAME_PING, 0, 0), NULL);
        host_expect(FRAME_PONG, 0);
}

static void test_goodbye(void **state) {
        (void)state;
        host_send(frame_header(FRAME_GOODBYE, 0, 0), NULL); /* also before the greeting */
        host_expect_end();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_greeting, setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_every_type, setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_ping, setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_strangers, setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_goodbye, setup, host_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
