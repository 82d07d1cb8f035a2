/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "fake-agent.h"

typedef struct Fixture {
        FakeAgent fake;
        SprEngine *engine;
        SprRequest *request;
        int fd;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        fixture->engine = fake_engine(&fixture->fake);
        fixture->request = fake_request("x");
        fixture->fd = spr_engine_get_fd(fixture->engine);
        assert_true(fixture->fd >= 0);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(spr_engine_get_fd(fixture->engine), fixture->fd);
        (void)spr_request_free(fixture->request);
        fake_end(&fixture->fake, fixture->engine);
        free(fixture);
        return 0;
}

static bool is_readable(const Fixture *fixture) {
        struct pollfd pollfd = {.fd = fixture->fd, .events = POLLIN};

        return poll(&pollfd, 1, 0) == 1;
}

static uint64_t post(Fixture *fixture) {
        uint64_t id;

        assert_int_equal(spr_engine_post(fixture->engine, fixture->request, &id, NULL), 0);
        return id;
}

static void dispatch(Fixture *fixture) {
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
}

static void pop(Fixture *fixture, uint64_t id) {
        SprResult *result;

        assert_int_equal(spr_engine_pop(fixture->engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), id);
        (void)spr_result_free(result);
}

static void assert_empty(Fixture *fixture) {
        SprResult *result;

        assert_int_equal(spr_engine_pop(fixture->engine, &result), SPR_E_EMPTY);
        assert_false(is_readable(fixture));
}

static void test_results_in_the_order_of_completion(void **state) {
        Fixture *fixture = *state;
        uint64_t ids[3];

        assert_empty(fixture);
        for (size_t i = 0; i < 3; ++i)
                ids[i] = post(fixture);
        assert_false(is_readable(fixture));
        fake_greet(&fixture->fake, 8);
        assert_true(is_readable(fixture));
        dispatch(fixture);
        assert_empty(fixture);
        fake_send_result(&fixture->fake, ids[2], "1", "");
        fake_send_result(&fixture->fake, ids[0], "1", "");
        fake_send_result(&fixture->fake, ids[1], "1", "");
        assert_true(is_readable(fixture));
        dispatch(fixture);
        pop(fixture, ids[2]);
        pop(fixture, ids[0]);
        pop(fixture, ids[1]);
        assert_empty(fixture);
}

/* The result comes in while another thread (here: another wait) reads the stream. */
static void test_completion_by_another_thread(void **state) {
        Fixture *fixture = *state;
        uint64_t id = post(fixture);
        SprResult *result;
        SprRun *run;

        assert_int_equal(spr_engine_submit(fixture->engine, fixture->request, &run, NULL), 0);
        fake_greet(&fixture->fake, 8);
        fake_send_result(&fixture->fake, id, "1", "");
        dispatch(fixture); /* greeting and result */
        pop(fixture, id);
        id = post(fixture);
        fake_send_result(&fixture->fake, id, "1", "");
        fake_send_result(&fixture->fake, spr_run_get_id(run), "1", "");
        assert_int_equal(spr_run_wait(run, UINT64_MAX, &result, NULL), 0);
        (void)spr_result_free(result);
        (void)spr_run_free(run);
        assert_true(is_readable(fixture));
        dispatch(fixture);
        assert_true(is_readable(fixture)); /* until it is popped */
        pop(fixture, id);
        assert_empty(fixture);
}

/* What the socket did not take makes the descriptor readable once it does. */
static void test_writing(void **state) {
        enum {
                SIZE = 900 * 1024
        };
        Fixture *fixture = *state;
        char *code = malloc(SIZE), *taken = malloc(SIZE);
        unsigned int n_dispatches = 0;
        size_t total = 0;
        ssize_t n;

        assert_non_null(code);
        assert_non_null(taken);
        memset(code, '#', SIZE);
        assert_int_equal(spr_request_set_code(fixture->request, code, SIZE), 0);
        (void)post(fixture);
        assert_false(is_readable(fixture));
        while ((n = recv(fixture->fake.fd, taken, SIZE, MSG_DONTWAIT)) > 0) {
                total += (size_t)n;
                if (!is_readable(fixture))
                        continue;
                dispatch(fixture);
                ++n_dispatches;
        }
        assert_true(total > SIZE);
        assert_true(n_dispatches > 0);
        assert_false(outbox_pending(&fixture->engine->connection->out));
        assert_false(is_readable(fixture));
        free(code);
        free(taken);
}

static void test_connection_is_replaced(void **state) {
        Fixture *fixture = *state;
        uint64_t id = post(fixture);
        SprResult *result;

        fake_greet(&fixture->fake, 8);
        dispatch(fixture);
        fixture->fake.fd = fd_close(fixture->fake.fd);
        assert_true(is_readable(fixture));
        dispatch(fixture);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), 0);
        assert_string_equal(spr_result_get_outcome_name(result), "infra");
        (void)spr_result_free(result);
        assert_empty(fixture);
        id = post(fixture);
        fake_greet(&fixture->fake, 8);
        fake_send_result(&fixture->fake, id, "1", "");
        assert_true(is_readable(fixture));
        dispatch(fixture);
        pop(fixture, id);
        assert_empty(fixture);
}

/* Without a thread that waits, a timer in the set makes the descriptor readable. */
static void test_overdue_in_the_queue(void **state) {
        Fixture *fixture = *state;
        struct pollfd pollfd = {.fd = fixture->fd, .events = POLLIN};
        uint64_t ids[3];

        fixture->engine->queue.limits.max_concurrency = 1;
        fixture->engine->queue.limits.acquire_timeout_ns = 2 * NSEC_PER_MSEC;
        for (size_t i = 0; i < 2; ++i)
                ids[i] = post(fixture);
        fake_greet(&fixture->fake, 8);
        dispatch(fixture);
        assert_int_equal(poll(&pollfd, 1, -1), 1);
        dispatch(fixture);
        pop(fixture, ids[1]);
        assert_empty(fixture);
        ids[2] = post(fixture); /* the timer serves again */
        assert_int_equal(poll(&pollfd, 1, -1), 1);
        dispatch(fixture);
        pop(fixture, ids[2]);
        assert_empty(fixture);
        fake_send_result(&fixture->fake, ids[0], "1", "");
        dispatch(fixture);
        pop(fixture, ids[0]);
        assert_empty(fixture);
}

static void test_cancel_in_the_queue(void **state) {
        Fixture *fixture = *state;
        uint64_t ids[3];

        for (size_t i = 0; i < 3; ++i)
                ids[i] = post(fixture); /* the last two wait for WELCOME */
        spr_engine_cancel(fixture->engine, ids[1]);
        assert_true(is_readable(fixture));
        pop(fixture, ids[1]);
        assert_empty(fixture);
        spr_engine_cancel(fixture->engine, ids[1]);
        assert_empty(fixture);
}

static void test_close(void **state) {
        Fixture *fixture = *state;
        uint64_t id = post(fixture);

        spr_engine_close(fixture->engine);
        assert_true(is_readable(fixture));
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), SPR_E_CLOSED);
        pop(fixture, id);
        assert_empty(fixture);
}

static void test_invalid_request(void **state) {
        Fixture *fixture = *state;
        SprError error;

        assert_int_equal(spr_request_set_input_json(fixture->request, "{", 1), 0);
        assert_int_equal(spr_engine_post(fixture->engine, fixture->request, NULL, &error),
                         SPR_E_INVALID);
        assert_int_equal(fixture->fake.n_opens, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_results_in_the_order_of_completion),
                TEST(test_completion_by_another_thread),
                TEST(test_writing),
                TEST(test_connection_is_replaced),
                TEST(test_overdue_in_the_queue),
                TEST(test_cancel_in_the_queue),
                TEST(test_close),
                TEST(test_invalid_request),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
