/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fake-agent.h"

typedef struct Fixture {
        FakeAgent fake;
        SprEngine *engine;
        SprRequest *request;
        SprRun *run;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        fixture->engine = fake_engine(&fixture->fake);
        fixture->request = fake_request("x");
        spr_request_set_userdata(fixture->request, fixture);
        assert_int_equal(spr_engine_submit(fixture->engine, fixture->request, &fixture->run, NULL),
                         0);
        fake_greet(&fixture->fake, 8);
        assert_int_equal(fake_take_run(&fixture->fake), spr_run_get_id(fixture->run));
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        assert_null(spr_run_free(fixture->run));
        (void)spr_request_free(fixture->request);
        fake_end(&fixture->fake, fixture->engine);
        free(fixture);
        return 0;
}

static void test_result_is_given_out_once(void **state) {
        Fixture *fixture = *state;
        SprResult *result;
        SprError error;

        fake_send_result(&fixture->fake, spr_run_get_id(fixture->run), "[1]", "");
        assert_int_equal(spr_run_wait(fixture->run, UINT64_MAX, &result, &error), 0);
        assert_ptr_equal(spr_result_get_userdata(result), fixture);
        assert_int_equal(spr_result_get_run_id(result), spr_run_get_id(fixture->run));
        (void)spr_result_free(result);
        assert_int_equal(spr_run_wait(fixture->run, 0, &result, &error), SPR_E_INVALID);
        assert_string_equal(error.message, "the result was given out before");
        spr_run_cancel(fixture->run); /* too late, and harmless */
        assert_true(fake_is_quiet(&fixture->fake));
}

static void test_cancel(void **state) {
        ResultFrame frame = {.outcome = OUTCOME_CANCELLED, .exit_code = 130};
        Fixture *fixture = *state;
        uint64_t id = spr_run_get_id(fixture->run);
        SprResult *result;

        spr_run_cancel(fixture->run);
        assert_int_equal(fake_expect(&fixture->fake, FRAME_CANCEL), id);
        fake_send(&fixture->fake, FRAME_RESULT, id, &frame, sizeof(frame));
        assert_int_equal(spr_run_wait(fixture->run, UINT64_MAX, &result, NULL), 0);
        assert_int_equal(spr_result_get_outcome(result), SPR_OUTCOME_CANCELLED);
        (void)spr_result_free(result);
}

/* Freeing an unfinished run cancels it; what still comes for it is taken in by the engine. */
static void test_free_in_flight(void **state) {
        ResultFrame frame = {.outcome = OUTCOME_CANCELLED, .exit_code = 130};
        Fixture *fixture = *state;
        uint64_t id = spr_run_get_id(fixture->run);

        fixture->run = spr_run_free(fixture->run);
        assert_int_equal(fake_expect(&fixture->fake, FRAME_CANCEL), id);
        assert_int_equal(fixture->engine->sent.n_runs, 1);
        fake_send(&fixture->fake, FRAME_RESULT, id, &frame, sizeof(frame));
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        assert_int_equal(fixture->engine->sent.n_runs, 0);
        assert_null(spr_run_free(NULL));
}

static void test_environment_error(void **state) {
        Fixture *fixture = *state;
        SprResult *result;
        SprError error;
        SprRun *run;

        fake_send_failure(&fixture->fake, fixture->fake.environment_id, FAILURE_STAGE_ZYGOTE,
                          "the interpreter died");
        assert_int_equal(spr_run_wait(fixture->run, UINT64_MAX, &result, &error), 0);
        assert_string_equal(spr_result_get_error(result), "the interpreter died");
        (void)spr_result_free(result);
        assert_int_equal(spr_engine_submit(fixture->engine, fixture->request, &run, NULL), 0);
        (void)fake_expect(&fixture->fake, FRAME_ENV_CLOSE);
        fixture->fake.environment_id = fake_expect(&fixture->fake, FRAME_ENV_OPEN);
        fake_send_failure(&fixture->fake, fixture->fake.environment_id, FAILURE_STAGE_ENVIRONMENT,
                          "cannot run '/py': no such file or directory");
        assert_int_equal(spr_run_wait(run, UINT64_MAX, &result, &error), SPR_E_INTERPRETER);
        assert_string_equal(error.message, "cannot run '/py': no such file or directory");
        (void)spr_run_free(run);
}

static void test_invalid_requests(void **state) {
        Fixture *fixture = *state;
        SprError error;
        SprRun *run;

        assert_int_equal(spr_request_set_input_json(fixture->request, "{", 1), 0);
        assert_int_equal(spr_engine_submit(fixture->engine, fixture->request, &run, &error),
                         SPR_E_INVALID);
        assert_non_null(strstr(error.message, "input is not JSON"));
        assert_true(fake_is_quiet(&fixture->fake));
}

static void test_run(void **state) {
        Fixture *fixture = *state;
        SprResult *result;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, fake_serve, &fixture->fake), 0);
        for (size_t i = 0; i < 100; ++i) {
                assert_int_equal(spr_engine_run(fixture->engine, fixture->request, &result, NULL),
                                 0);
                assert_true(spr_result_get_ok(result));
                (void)spr_result_free(result);
        }
        spr_engine_close(fixture->engine);
        assert_int_equal(pthread_join(thread, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_result_is_given_out_once), TEST(test_cancel),
                TEST(test_free_in_flight),           TEST(test_environment_error),
                TEST(test_invalid_requests),         TEST(test_run),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
