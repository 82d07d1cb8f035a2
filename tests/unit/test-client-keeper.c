/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/clock.h"
#include "client/keeper.h"
#include "fake-agent.h"

#define TIMEOUT_NS (3 * NSEC_PER_SEC)

typedef struct Fixture {
        FakeAgent fake;
        SprEngine *engine;
        uint64_t run; /* as the agent knows it */
        uint64_t sent_ns;
} Fixture;

/* One run in flight, nothing more to read. */
static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        SprRequest *request = fake_request("pass");
        SprPolicy *policy;
        uint64_t id;

        assert_non_null(fixture);
        fixture->engine = fake_engine(&fixture->fake);
        fixture->engine->startup_timeout_ns = TIMEOUT_NS;
        assert_int_equal(spr_policy_new(&policy), 0);
        assert_int_equal(spr_policy_set_timeout_ns(policy, TIMEOUT_NS, NULL), 0);
        assert_int_equal(spr_request_set_policy(request, policy), 0);
        (void)spr_policy_free(policy);
        assert_int_equal(spr_engine_post(fixture->engine, request, &id, NULL), 0);
        (void)spr_request_free(request);
        fake_greet(&fixture->fake, 4);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        fixture->run = fake_take_run(&fixture->fake);
        fixture->sent_ns = clock_now_ns();
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        fake_end(&fixture->fake, fixture->engine);
        free(fixture);
        return 0;
}

static void look(Fixture *fixture, uint64_t now_ns) {
        engine_lock(fixture->engine);
        assert_true(keeper_look(fixture->engine, now_ns) > 0);
        engine_unlock(fixture->engine);
}

/* The agent answers a PING, as late as @now_ns. */
static void answer(Fixture *fixture, uint64_t now_ns) {
        (void)fake_expect(&fixture->fake, FRAME_PING);
        fake_send(&fixture->fake, FRAME_PONG, 0, NULL, 0);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        fixture->engine->connection->heard_ns = now_ns;
}

static const char *error_of_run(Fixture *fixture) {
        static char words[512];
        SprResult *result = NULL;

        assert_int_equal(spr_engine_pop(fixture->engine, &result), 0);
        assert_string_equal(spr_result_get_outcome_name(result), "infra");
        (void)snprintf(words, sizeof(words), "%s", spr_result_get_error(result));
        (void)spr_result_free(result);
        return words;
}

/* Every five seconds, and one that answers is not lost, however long it takes. */
static void test_pings(void **state) {
        Fixture *fixture = *state;
        uint64_t now_ns = fixture->sent_ns;

        look(fixture, now_ns + NSEC_PER_SEC);
        assert_true(fake_is_quiet(&fixture->fake));
        for (unsigned int i = 0; i < 10; i++) {
                now_ns += KEEPER_PING_NS + NSEC_PER_SEC;
                look(fixture, now_ns);
                answer(fixture, now_ns + 1);
                assert_true(fake_is_quiet(&fixture->fake));
        }
        assert_int_equal(fixture->fake.n_opens, 1);
        assert_non_null(fixture->engine->connection);
}

/* A run that is overdue has its agent asked; silence is the answer that ends it. */
static void test_overdue(void **state) {
        Fixture *fixture = *state;
        uint64_t due_ns = fixture->sent_ns + TIMEOUT_NS;

        look(fixture, due_ns);
        (void)fake_expect(&fixture->fake, FRAME_PING);
        look(fixture, due_ns + KEEPER_OVERDUE_NS - 1);
        assert_non_null(fixture->engine->connection);
        look(fixture, due_ns + KEEPER_OVERDUE_NS);
        assert_null(fixture->engine->connection);
        assert_non_null(strstr(error_of_run(fixture), "a run is overdue"));
}

/* Without a run that would be overdue it takes longer. */
static void test_silence(void **state) {
        Fixture *fixture = *state;
        uint64_t heard_ns;

        fake_send_result(&fixture->fake, fixture->run, "1", "");
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        heard_ns = fixture->engine->connection->heard_ns;
        look(fixture, heard_ns + KEEPER_PING_NS);
        (void)fake_expect(&fixture->fake, FRAME_PING);
        look(fixture, heard_ns + KEEPER_LEASE_NS - 1);
        assert_non_null(fixture->engine->connection);
        look(fixture, heard_ns + KEEPER_LEASE_NS);
        assert_null(fixture->engine->connection);
}

/* It reads what nobody waits for. */
static void test_reads(void **state) {
        Fixture *fixture = *state;
        SprResult *result = NULL;

        fake_send_result(&fixture->fake, fixture->run, "42", "");
        look(fixture, fixture->sent_ns + 1);
        assert_int_equal(spr_engine_pop(fixture->engine, &result), 0);
        assert_true(spr_result_get_ok(result));
        (void)spr_result_free(result);
        /* What was heard after the keeper looked at the clock is no silence. */
        assert_non_null(fixture->engine->connection);
}

static void test_no_answer_at_all(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        Failure failure = FAILURE_NULL;
        uint64_t born_ns;

        (void)state;
        engine->startup_timeout_ns = TIMEOUT_NS;
        engine_lock(engine);
        assert_int_equal(engine_warm(engine, &failure), 0);
        born_ns = engine->connection->born_ns;
        (void)keeper_look(engine, born_ns + TIMEOUT_NS - 1);
        assert_non_null(engine->connection);
        (void)keeper_look(engine, born_ns + TIMEOUT_NS);
        assert_null(engine->connection);
        engine_unlock(engine);
        fake_end(&fake, engine);
}

static void test_thread(void **state) {
        Fixture *fixture = *state;
        Failure failure = FAILURE_NULL;

        engine_lock(fixture->engine);
        assert_int_equal(keeper_start(fixture->engine, &failure), 0);
        assert_int_equal(keeper_start(fixture->engine, &failure), 0);
        engine_unlock(fixture->engine);
        keeper_stop(fixture->engine);
        keeper_stop(fixture->engine);
        assert_int_equal(fixture->engine->keeper.stop_fd, -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_pings, setup, teardown),
                cmocka_unit_test_setup_teardown(test_overdue, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reads, setup, teardown),
                cmocka_unit_test_setup_teardown(test_thread, setup, teardown),
                cmocka_unit_test(test_no_answer_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
