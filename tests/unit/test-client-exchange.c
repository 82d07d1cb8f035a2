/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "client/exchange.h"
#include "fake-agent.h"

/* A run that was posted, taken by the agent and is waited for by nobody. */
typedef struct Fixture {
        FakeAgent fake;
        SprEngine *engine;
        SprRequest *request;
        uint64_t run;
} Fixture;

static uint64_t post(Fixture *fixture) {
        uint64_t id;

        assert_int_equal(spr_engine_post(fixture->engine, fixture->request, &id, NULL), 0);
        return id;
}

static int setup_cold(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        fixture->engine = fake_engine(&fixture->fake);
        fixture->request = fake_request("x");
        fixture->run = post(fixture);
        *state = fixture;
        return 0;
}

static int setup(void **state) {
        Fixture *fixture;

        assert_int_equal(setup_cold(state), 0);
        fixture = *state;
        fake_greet(&fixture->fake, 8);
        assert_int_equal(fake_take_run(&fixture->fake), fixture->run);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void)spr_request_free(fixture->request);
        fake_end(&fixture->fake, fixture->engine);
        free(fixture);
        return 0;
}

/* The next result, which must be that of @run. */
static SprResult *pop_run(Fixture *fixture, uint64_t run) {
        SprResult *result;

        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), run);
        return result;
}

static SprResult *pop(Fixture *fixture) {
        return pop_run(fixture, fixture->run);
}

static void assert_infra(Fixture *fixture, const char *text) {
        SprResult *result = pop(fixture);

        assert_string_equal(spr_result_get_outcome_name(result), "infra");
        assert_int_equal(spr_result_get_exit_code(result), 125);
        assert_non_null(strstr(spr_result_get_error(result), text));
        (void)spr_result_free(result);
}

static void test_result(void **state) {
        Fixture *fixture = *state;
        SprResult *result;

        fake_send_result(&fixture->fake, fixture->run, "[1]", "hello");
        result = pop(fixture);
        assert_true(spr_result_get_ok(result));
        assert_string_equal(spr_result_get_json(result, NULL), "[1]");
        assert_string_equal(spr_result_get_stdout(result, NULL), "hello");
        (void)spr_result_free(result);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
}

static void test_result_in_single_bytes(void **state) {
        Fixture *fixture = *state;
        ResultFrame frame = {.stdout_size = 3, .stdout_total = 3};
        FrameHeader headers[2] = {
                frame_header(FRAME_RESULT, fixture->run, sizeof(frame)),
                frame_data_header(DATA_STDOUT, true, fixture->run, 3),
        };
        uint8_t bytes[2 * sizeof(FrameHeader) + sizeof(frame) + 3];
        SprResult *result;

        memcpy(bytes, &headers[0], sizeof(FrameHeader));
        memcpy(bytes + sizeof(FrameHeader), &frame, sizeof(frame));
        memcpy(bytes + sizeof(FrameHeader) + sizeof(frame), &headers[1], sizeof(FrameHeader));
        memcpy(bytes + sizeof(bytes) - 3, "abc", 3);
        for (size_t i = 0; i < sizeof(bytes); ++i) {
                assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
                assert_int_equal(fd_write(fixture->fake.fd, &bytes[i], 1), 1);
                assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        }
        result = pop(fixture);
        assert_string_equal(spr_result_get_stdout(result, NULL), "abc");
        (void)spr_result_free(result);
}

/* 5 MB come in while the host grants, never more than the window ahead. */
static void test_large_result(void **state) {
        enum {
                SIZE = 5 * 1024 * 1024
        };
        Fixture *fixture = *state;
        ResultFrame frame = {.flags = RESULT_FLAG_HAS_RESULT, .result_size = SIZE};
        size_t sent = 0, credit = FRAME_CREDIT_INITIAL;
        char *json = malloc(SIZE);
        SprResult *result;
        FakeFrame *got = malloc(sizeof(*got));
        size_t length;

        assert_non_null(json);
        assert_non_null(got);
        memset(json, '1', SIZE);
        fake_send(&fixture->fake, FRAME_RESULT, fixture->run, &frame, sizeof(frame));
        while (sent < SIZE) {
                size_t n = min_size(min_size(SIZE - sent, FRAME_PAYLOAD_MAX), credit);

                if (n > 0) {
                        fake_send_data(&fixture->fake, DATA_RESULT, sent + n == SIZE, fixture->run,
                                       json + sent, n);
                        sent += n;
                        credit -= n;
                }
                assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
                if (!fake_is_quiet(&fixture->fake)) {
                        CreditFrame granted;

                        assert_true(fake_take(&fixture->fake, got));
                        assert_int_equal(got->header.type, FRAME_CREDIT);
                        memcpy(&granted, got->payload, sizeof(granted));
                        credit += granted.bytes;
                }
        }
        result = pop(fixture);
        assert_memory_equal(spr_result_get_json(result, &length), json, SIZE);
        assert_int_equal(length, SIZE);
        (void)spr_result_free(result);
        free(json);
        free(got);
}

static void test_failure_of_the_run(void **state) {
        Fixture *fixture = *state;

        fake_send_failure(&fixture->fake, fixture->run, FAILURE_STAGE_WORKER, "cannot\nmap");
        assert_infra(fixture, "cannot map");
        assert_int_equal(fixture->fake.n_opens, 1);
}

static void test_agent_dies(void **state) {
        Fixture *fixture = *state;

        fixture->fake.fd = fd_close(fixture->fake.fd);
        assert_infra(fixture, "spr-agent ended while the run was in progress");
        fixture->run = post(fixture); /* the next run has a new agent */
        assert_int_equal(fixture->fake.n_opens, 2);
        fake_greet(&fixture->fake, 8);
        assert_int_equal(fake_take_run(&fixture->fake), fixture->run);
        fake_send_result(&fixture->fake, fixture->run, "", "ok");
        (void)spr_result_free(pop(fixture));
}

static void test_agent_dies_in_the_middle_of_a_result(void **state) {
        Fixture *fixture = *state;
        ResultFrame frame = {.stdout_size = 3};

        fake_send(&fixture->fake, FRAME_RESULT, fixture->run, &frame, sizeof(frame));
        fake_send_data(&fixture->fake, DATA_STDOUT, false, fixture->run, "ab", 2);
        fixture->fake.fd = fd_close(fixture->fake.fd);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0); /* what there is */
        assert_infra(fixture, "spr-agent ended while the run was in progress");
}

static void test_agent_gives_up(void **state) {
        Fixture *fixture = *state;

        fake_send_failure(&fixture->fake, 0, FAILURE_STAGE_RESOURCES, "out of memory");
        fixture->fake.fd = fd_close(fixture->fake.fd);
        assert_infra(fixture, "spr-agent gave up: out of memory");
}

typedef void (*LieFn)(Fixture *fixture);

static void lie_size(Fixture *fixture) {
        ResultFrame frame = {.flags = RESULT_FLAG_HAS_RESULT, .result_size = UINT64_MAX};

        fake_send(&fixture->fake, FRAME_RESULT, fixture->run, &frame, sizeof(frame));
}

static void lie_stream(Fixture *fixture) {
        fake_send_data(&fixture->fake, DATA_STDOUT, true, fixture->run + 1, "x", 1);
}

static void lie_environment(Fixture *fixture) {
        fake_send_ready(&fixture->fake);
}

static void lie_kind(Fixture *fixture) {
        fake_send_data(&fixture->fake, DATA_STDOUT, true, fixture->fake.environment_id, "x", 1);
}

static void lie_ready(Fixture *fixture) {
        fixture->fake.environment_id = fixture->run;
        fake_send_ready(&fixture->fake);
}

static void lie_order(Fixture *fixture) {
        fake_send_data(&fixture->fake, DATA_STDOUT, true, fixture->run, "x", 1);
}

static void test_lies(void **state) {
        static const struct {
                LieFn lie;
                const char *text;
        } cases[] = {
                {lie_size, "protocol error: a RESULT frame has a result larger than allowed"},
                {lie_stream, "which was never opened"},
                {lie_environment, "which is an environment"},
                {lie_kind, "which is an environment"},
                {lie_ready, "which is a run"},
                {lie_order, "DATA before its RESULT"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                Fixture *fixture;

                assert_int_equal(setup(state), 0);
                fixture = *state;
                cases[i].lie(fixture);
                assert_infra(fixture, cases[i].text);
                assert_null(fixture->engine->connection);
                (void)teardown(state);
        }
}

/* What comes for a run that is no longer in flight is dropped, whatever it is. */
static void test_late_frames(void **state) {
        Fixture *fixture = *state;
        CreditFrame credit = {.bytes = 1};
        SprResult *result;

        fake_send_result(&fixture->fake, fixture->run, "1", "");
        (void)spr_result_free(pop(fixture));
        fake_send_data(&fixture->fake, DATA_RESULT, true, fixture->run, NULL, 0);
        fake_send_failure(&fixture->fake, fixture->run, FAILURE_STAGE_WORKER, "late");
        fake_send(&fixture->fake, FRAME_CREDIT, fixture->run, &credit, sizeof(credit));
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
        assert_non_null(fixture->engine->connection);
}

static void test_environment_fails(void **state) {
        Fixture *fixture = *state;
        SprResult *result;

        (void)fake_expect(&fixture->fake, FRAME_HELLO);
        fixture->fake.environment_id = fake_expect(&fixture->fake, FRAME_ENV_OPEN);
        fake_send_welcome(&fixture->fake, 8);
        (void)fake_take_run(&fixture->fake);
        fake_send_failure(&fixture->fake, fixture->fake.environment_id, FAILURE_STAGE_ENVIRONMENT,
                          "cannot run '/py'");
        fake_send_failure(&fixture->fake, fixture->run, FAILURE_STAGE_ENVIRONMENT,
                          "cannot run '/py'");
        assert_infra(fixture, "cannot run '/py'");
        assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
        assert_int_equal(fake_expect(&fixture->fake, FRAME_ENV_CLOSE),
                         fixture->fake.environment_id);
        fixture->run = post(fixture); /* asks for the environment anew, from the same agent */
        assert_int_equal(fixture->fake.n_opens, 1);
        fixture->fake.environment_id = fake_expect(&fixture->fake, FRAME_ENV_OPEN);
        fake_send_ready(&fixture->fake);
        assert_int_equal(fake_take_run(&fixture->fake), fixture->run);
        fake_send_result(&fixture->fake, fixture->run, "1", "");
        (void)spr_result_free(pop(fixture));
}

static void test_environment_is_lost(void **state) {
        Fixture *fixture = *state;

        fake_send_failure(&fixture->fake, fixture->fake.environment_id, FAILURE_STAGE_ZYGOTE,
                          "the interpreter died");
        assert_infra(fixture, "the interpreter died");
        assert_int_equal(fake_expect(&fixture->fake, FRAME_ENV_CLOSE),
                         fixture->fake.environment_id);
        fixture->run = post(fixture);
        fixture->fake.environment_id = fake_expect(&fixture->fake, FRAME_ENV_OPEN);
}

/* No more than the agent said it takes; the others wait here. */
static void test_max_runs(void **state) {
        Fixture *fixture = *state;
        uint64_t first = fixture->run, second = post(fixture), third = post(fixture);

        (void)fake_expect(&fixture->fake, FRAME_HELLO);
        fixture->fake.environment_id = fake_expect(&fixture->fake, FRAME_ENV_OPEN);
        assert_int_equal(fake_take_run(&fixture->fake), first);
        assert_true(fake_is_quiet(&fixture->fake));
        fake_send_welcome(&fixture->fake, 2);
        fake_send_ready(&fixture->fake);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        assert_int_equal(fake_take_run(&fixture->fake), second);
        assert_true(fake_is_quiet(&fixture->fake));
        fake_send_result(&fixture->fake, first, "1", "");
        (void)spr_result_free(pop(fixture));
        assert_int_equal(fake_take_run(&fixture->fake), third);
}

/* No more than the engine was told to have in progress, whatever the agent takes. */
static void test_max_concurrency(void **state) {
        Fixture *fixture = *state;
        uint64_t ids[4];

        fixture->engine->queue.limits.max_concurrency = 2;
        ids[0] = fixture->run;
        for (size_t i = 1; i < 4; ++i)
                ids[i] = post(fixture);
        assert_int_equal(fake_take_run(&fixture->fake), ids[1]);
        assert_true(fake_is_quiet(&fixture->fake));
        for (size_t i = 0; i < 2; ++i) {
                fake_send_result(&fixture->fake, ids[i], "1", "");
                (void)spr_result_free(pop_run(fixture, ids[i]));
                assert_int_equal(fake_take_run(&fixture->fake), ids[i + 2]);
                assert_true(fake_is_quiet(&fixture->fake));
        }
}

static void test_full_queue(void **state) {
        Fixture *fixture = *state;
        uint64_t id = fixture->run, waiting;
        SprError error;
        SprRun *run;

        fixture->engine->queue.limits.max_concurrency = 1;
        fixture->engine->queue.limits.max_queue = 1;
        waiting = post(fixture);
        assert_int_equal(spr_engine_post(fixture->engine, fixture->request, NULL, &error),
                         SPR_E_BUSY);
        assert_string_equal(error.message, "cannot take another run: 1 are in progress "
                                           "(max_concurrency) and 1 wait (max_queue 1)");
        assert_int_equal(spr_engine_submit(fixture->engine, fixture->request, &run, &error),
                         SPR_E_BUSY);
        fake_send_result(&fixture->fake, id, "1", "");
        (void)spr_result_free(pop(fixture));
        assert_int_equal(fake_take_run(&fixture->fake), waiting);
        (void)post(fixture);
}

/* Of those that wait the first is overdue first; the result tells, and how long it waited. */
static void test_acquire_timeout(void **state) {
        Fixture *fixture = *state;
        uint64_t second;
        SprResult *result;
        SprRun *run;

        fixture->engine->queue.limits.max_concurrency = 1;
        fixture->engine->queue.limits.acquire_timeout_ns = 60 * NSEC_PER_SEC;
        second = post(fixture);
        (void)post(fixture);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
        run = queue_find(&fixture->engine->queue, second);
        run->queued_ns -= 60 * NSEC_PER_SEC;
        result = pop_run(fixture, second);
        assert_string_equal(spr_result_get_outcome_name(result), "infra");
        assert_int_equal(spr_result_get_exit_code(result), 125);
        assert_string_equal(spr_result_get_error(result),
                            "no slot was free for 60s (acquire_timeout): 1 runs at a time "
                            "(max_concurrency), 1 waiting");
        assert_true(spr_result_get_queue_wait_ns(result) >= 60 * NSEC_PER_SEC);
        (void)spr_result_free(result);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
        assert_true(fake_is_quiet(&fixture->fake));
}

/* Before WELCOME nobody knows how many slots there are. */
static void test_nothing_is_overdue_before_the_greeting(void **state) {
        Fixture *fixture = *state;
        uint64_t first = fixture->run, second;
        SprResult *result;

        fixture->engine->queue.limits.acquire_timeout_ns = 0;
        second = post(fixture);
        assert_int_equal(exchange_deadline_ns(fixture->engine), UINT64_MAX);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
        fake_greet(&fixture->fake, 2);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        assert_int_equal(fake_take_run(&fixture->fake), first);
        assert_int_equal(fake_take_run(&fixture->fake), second);
        assert_int_equal(post(fixture), second + 1);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), second + 1);
        (void)spr_result_free(result);
}

static void test_cancel(void **state) {
        Fixture *fixture = *state;
        ResultFrame frame = {
                .outcome = OUTCOME_CANCELLED,
                .killed_by = KILLED_BY_CANCEL,
                .exit_code = 130,
        };
        SprResult *result;

        spr_engine_cancel(fixture->engine, fixture->run + 100);
        assert_true(fake_is_quiet(&fixture->fake));
        spr_engine_cancel(fixture->engine, fixture->run);
        spr_engine_cancel(fixture->engine, fixture->run);
        assert_int_equal(fake_expect(&fixture->fake, FRAME_CANCEL), fixture->run);
        assert_true(fake_is_quiet(&fixture->fake));
        fake_send(&fixture->fake, FRAME_RESULT, fixture->run, &frame, sizeof(frame));
        result = pop(fixture);
        assert_string_equal(spr_result_get_outcome_name(result), "cancelled");
        (void)spr_result_free(result);
}

static void test_cancel_of_a_queued_run(void **state) {
        Fixture *fixture = *state;
        SprResult *result;

        fixture->run = post(fixture); /* behind the first one, before WELCOME */
        spr_engine_cancel(fixture->engine, fixture->run);
        result = pop(fixture);
        assert_string_equal(spr_result_get_outcome_name(result), "cancelled");
        assert_string_equal(spr_result_get_killed_by(result), "cancel");
        assert_int_equal(spr_result_get_exit_code(result), 130);
        (void)spr_result_free(result);
}

/* An answer that comes before the request was sent to its end stops the sending. */
static void test_result_before_the_end_of_the_input(void **state) {
        enum {
                SIZE = 3 * FRAME_CREDIT_INITIAL
        };
        Fixture *fixture = *state;
        char *input = malloc(SIZE);
        ResultFrame frame = {.outcome = OUTCOME_CANCELLED};
        FakeFrame *got = malloc(sizeof(*got));
        size_t taken = 0;

        assert_non_null(input);
        assert_non_null(got);
        memset(input, '1', SIZE);
        assert_int_equal(spr_request_set_input_json(fixture->request, input, SIZE), 0);
        fixture->run = post(fixture);
        assert_int_equal(fake_expect(&fixture->fake, FRAME_SUBMIT), fixture->run);
        while (taken < FRAME_CREDIT_INITIAL) {
                assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
                assert_true(fake_take(&fixture->fake, got));
                taken += got->header.length;
        }
        fake_send(&fixture->fake, FRAME_RESULT, fixture->run, &frame, sizeof(frame));
        (void)spr_result_free(pop(fixture));
        assert_true(fake_is_quiet(&fixture->fake));
        free(input);
        free(got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define COLD(name) cmocka_unit_test_setup_teardown(name, setup_cold, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_result),
                TEST(test_result_in_single_bytes),
                TEST(test_large_result),
                TEST(test_failure_of_the_run),
                TEST(test_agent_dies),
                TEST(test_agent_dies_in_the_middle_of_a_result),
                TEST(test_agent_gives_up),
                cmocka_unit_test(test_lies),
                TEST(test_late_frames),
                COLD(test_environment_fails),
                TEST(test_environment_is_lost),
                COLD(test_max_runs),
                TEST(test_max_concurrency),
                TEST(test_full_queue),
                TEST(test_acquire_timeout),
                COLD(test_nothing_is_overdue_before_the_greeting),
                TEST(test_cancel),
                COLD(test_cancel_of_a_queued_run),
                TEST(test_result_before_the_end_of_the_input),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
