/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "client/connection.h"
#include "fake-agent.h"

/* What came to the handler, as text: "ENV_READY 1 40;" */
typedef struct Log {
        char text[512];
        int answer;
} Log;

static int
log_frame(void *userdata, const FrameHeader *header, const uint8_t *payload, Failure *failure) {
        Log *log = userdata;
        size_t length = strlen(log->text);

        (void)payload;
        (void)snprintf(log->text + length, sizeof(log->text) - length, "%s %llu %u;",
                       frame_name(header->type), (unsigned long long)header->stream,
                       header->length);
        return log->answer ? failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO, "refused") : 0;
}

typedef struct Fixture {
        FakeAgent fake;
        Connection *connection;
        Log log;
        ConnectionHandler handler;
        Failure failure;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        AgentProcess process;

        assert_non_null(fixture);
        fake_init(&fixture->fake);
        assert_int_equal(fixture->fake.transport.open(&fixture->fake.transport, &process, NULL), 0);
        assert_int_equal(connection_new(&fixture->connection, &process), 0);
        assert_int_equal(process.stream_fd, -1);
        fixture->handler = (ConnectionHandler){.frame = log_frame, .userdata = &fixture->log};
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void)connection_free(fixture->connection);
        (void)fd_close(fixture->fake.fd);
        free(fixture);
        return 0;
}

static int receive(Fixture *fixture) {
        return connection_receive(fixture->connection, &fixture->handler, &fixture->failure);
}

static void welcome(Fixture *fixture) {
        fake_send_welcome(&fixture->fake, 7);
        assert_int_equal(receive(fixture), 0);
}

static void test_greeting(void **state) {
        Fixture *fixture = *state;
        FakeFrame frame;
        HelloFrame hello;

        assert_int_equal(connection_flush(fixture->connection, NULL), 0);
        assert_true(fake_take(&fixture->fake, &frame));
        memcpy(&hello, frame.payload, sizeof(hello));
        assert_int_equal(frame.header.type, FRAME_HELLO);
        assert_int_equal(hello.magic, WIRE_MAGIC);
        assert_int_equal(fixture->connection->state, WIRE_GREETING);
        assert_int_equal(receive(fixture), 0); /* nothing there */
        welcome(fixture);
        assert_int_equal(fixture->connection->state, WIRE_OPEN);
        assert_int_equal(fixture->connection->max_runs, 7);
        fake_send_welcome(&fixture->fake, 7); /* twice is not legal */
        assert_int_equal(receive(fixture), -EPROTO);
}

static void test_versions(void **state) {
        static const struct {
                WelcomeFrame welcome;
                const char *error;
        } cases[] = {
                {{WIRE_MAGIC, WIRE_VERSION_MAJOR, WIRE_VERSION_MINOR + 1, 1, 0}, NULL},
                {{WIRE_MAGIC + 1, WIRE_VERSION_MAJOR, 0, 1, 0}, "does not speak the protocol"},
                {{WIRE_MAGIC, WIRE_VERSION_MAJOR + 1, 3, 1, 0}, "speaks version 2.3"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                Fixture *fixture;
                int r;

                assert_int_equal(setup(state), 0);
                fixture = *state;
                fake_send(&fixture->fake, FRAME_WELCOME, 0, &cases[i].welcome,
                          sizeof(cases[i].welcome));
                r = receive(fixture);
                assert_int_equal(r, cases[i].error ? -EPROTO : 0);
                if (cases[i].error)
                        assert_non_null(strstr(fixture->failure.text, cases[i].error));
                (void)teardown(state);
        }
}

static void test_frames_byte_by_byte(void **state) {
        Fixture *fixture = *state;
        FrameHeader header = frame_header(FRAME_CREDIT, 3, sizeof(CreditFrame));
        uint8_t bytes[2 * (sizeof(header) + sizeof(CreditFrame))] = {0};

        welcome(fixture);
        memcpy(bytes, &header, sizeof(header));
        memcpy(bytes + sizeof(bytes) / 2, &header, sizeof(header));
        for (size_t i = 0; i < sizeof(bytes); ++i) {
                assert_int_equal(fd_write(fixture->fake.fd, bytes + i, 1), 1);
                assert_int_equal(receive(fixture), 0);
        }
        assert_string_equal(fixture->log.text, "CREDIT 3 8;CREDIT 3 8;");
}

static void test_many_frames_in_one_read(void **state) {
        static const uint8_t bytes[FRAME_PAYLOAD_MAX];
        Fixture *fixture = *state;

        fake_send_welcome(&fixture->fake, 1);
        fake_send_data(&fixture->fake, DATA_STDOUT, false, 3, bytes, sizeof(bytes));
        fake_send_data(&fixture->fake, DATA_STDOUT, false, 3, bytes, sizeof(bytes));
        fake_send_data(&fixture->fake, DATA_STDOUT, true, 3, bytes, 5);
        assert_int_equal(receive(fixture), 0);
        assert_string_equal(fixture->log.text, "DATA 3 65536;DATA 3 65536;DATA 3 5;");
}

static void test_ping_is_answered(void **state) {
        Fixture *fixture = *state;
        FakeFrame frame;

        welcome(fixture);
        (void)connection_flush(fixture->connection, NULL);
        (void)fake_expect(&fixture->fake, FRAME_HELLO);
        fake_send(&fixture->fake, FRAME_PING, 0, "hi", 2);
        fake_send(&fixture->fake, FRAME_PONG, 0, "hi", 2);
        assert_int_equal(receive(fixture), 0);
        assert_int_equal(connection_flush(fixture->connection, NULL), 0);
        assert_true(fake_take(&fixture->fake, &frame));
        assert_int_equal(frame.header.type, FRAME_PONG);
        assert_memory_equal(frame.payload, "hi", 2);
        assert_string_equal(fixture->log.text, "");
}

/* Each is found out by its header alone: no payload follows. */
static void test_violations(void **state) {
        static const FrameHeader cases[] = {
                {.type = FRAME_NONE},
                {.type = 200},
                {.type = FRAME_DATA, .stream = 3, .length = FRAME_PAYLOAD_MAX + 1},
                {.type = FRAME_DATA, .stream = 3, .length = UINT32_MAX},
                {.type = FRAME_DATA, .stream = 0},
                {.type = FRAME_DATA, .stream = 3, .flags = _DATA_CHANNEL_N},
                {.type = FRAME_RESULT, .stream = 3, .length = 1},
                {.type = FRAME_SUBMIT, .stream = 3, .length = sizeof(SubmitFrame)},
                {.type = FRAME_HELLO, .length = sizeof(HelloFrame)},
                {.type = FRAME_GOODBYE},
                {.type = FRAME_WORKER_RESULT, .stream = 3, .length = sizeof(WorkerResultFrame)},
                {.type = FRAME_CREDIT, .stream = 3, .length = sizeof(CreditFrame), .zero = 1},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                Fixture *fixture;

                assert_int_equal(setup(state), 0);
                fixture = *state;
                welcome(fixture);
                assert_int_equal(fd_write_all(fixture->fake.fd, &cases[i], sizeof(cases[i])), 0);
                assert_int_equal(receive(fixture), -EPROTO);
                assert_int_equal(fixture->failure.stage, FAILURE_STAGE_AGENT);
                assert_memory_equal(fixture->failure.text, "protocol error", 14);
                assert_true(fixture->connection->violated);
                (void)teardown(state);
        }
}

static void test_nothing_but_greetings_at_first(void **state) {
        Fixture *fixture = *state;

        fake_send(&fixture->fake, FRAME_PING, 0, NULL, 0);
        assert_int_equal(receive(fixture), -EPROTO);
}

static void test_agent_gives_up(void **state) {
        Fixture *fixture = *state;

        fake_send_failure(&fixture->fake, 0, FAILURE_STAGE_RESOURCES, "no\ndescriptors");
        assert_true(receive(fixture) < 0);
        assert_string_equal(fixture->failure.text, "spr-agent gave up: no descriptors");
}

static void test_handler_ends_it(void **state) {
        Fixture *fixture = *state;

        welcome(fixture);
        fixture->log.answer = 1;
        fake_send_data(&fixture->fake, DATA_STDOUT, true, 3, "x", 1);
        assert_int_equal(receive(fixture), -EPROTO);
        assert_string_equal(fixture->failure.text, "refused");
}

static void test_end_of_stream(void **state) {
        Fixture *fixture = *state;

        fake_send_welcome(&fixture->fake, 1);
        fake_send_data(&fixture->fake, DATA_STDOUT, true, 3, "x", 1);
        fixture->fake.fd = fd_close(fixture->fake.fd);
        assert_int_equal(connection_flush(fixture->connection, &fixture->failure), -EPIPE);
        assert_int_equal(receive(fixture), 0);
        assert_string_equal(fixture->log.text, "DATA 3 1;"); /* the last words are heard */
        assert_int_equal(receive(fixture), -EPIPE);
        assert_string_equal(fixture->failure.text, "spr-agent ended");
        assert_false(fixture->connection->violated);
}

static void test_agent_that_does_not_read(void **state) {
        static const uint8_t payload[64];
        Fixture *fixture = *state;
        int r;

        do
                r = connection_put(fixture->connection, FRAME_PONG, 0, payload, sizeof(payload),
                                   &fixture->failure);
        while (!r);
        assert_int_equal(r, -EPROTO);
        assert_true(fixture->connection->violated);
}

static void test_forget(void **state) {
        Fixture *fixture = *state;
        char byte;

        fixture->connection = connection_forget(fixture->connection);
        assert_null(fixture->connection);
        assert_int_equal(recv(fixture->fake.fd, &byte, 1, MSG_DONTWAIT), 0);
        assert_null(connection_forget(NULL));
        assert_null(connection_free(NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_greeting),
                cmocka_unit_test(test_versions),
                TEST(test_frames_byte_by_byte),
                TEST(test_many_frames_in_one_read),
                TEST(test_ping_is_answered),
                cmocka_unit_test(test_violations),
                TEST(test_nothing_but_greetings_at_first),
                TEST(test_agent_gives_up),
                TEST(test_handler_ends_it),
                TEST(test_end_of_stream),
                TEST(test_agent_that_does_not_read),
                TEST(test_forget),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
