/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "client/options.h"
#include "fake-agent.h"

/* Nothing is started at birth, and the first send holds greeting, environment and run. */
static void test_lazy(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");

        (void)state;
        assert_int_equal(fake.n_opens, 0);
        assert_int_equal(spr_engine_post(engine, request, NULL, NULL), 0);
        assert_int_equal(fake.n_opens, 1);
        (void)fake_expect(&fake, FRAME_HELLO);
        (void)fake_expect(&fake, FRAME_ENV_OPEN);
        (void)fake_take_run(&fake);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

static void test_agent_does_not_start(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        SprResult *result;
        SprError error;

        (void)state;
        fake.refuses = true;
        assert_int_equal(spr_engine_run(engine, request, &result, &error), SPR_E_AGENT);
        assert_string_equal(error.message, "cannot run 'fake'");
        assert_int_equal(spr_engine_start(engine, &error), SPR_E_AGENT);
        assert_int_equal(fake.n_opens, 2);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

/* An agent that died between two runs is replaced, and nobody hears of it. */
static void test_dead_agent_is_replaced(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        SprResult *result;
        uint64_t id, other;

        (void)state;
        assert_int_equal(spr_engine_post(engine, request, &id, NULL), 0);
        fake_greet(&fake, 8);
        (void)fake_take_run(&fake);
        fake_send_result(&fake, id, "1", "");
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        fake.fd = fd_close(fake.fd);
        assert_int_equal(spr_engine_post(engine, request, &other, NULL), 0);
        assert_int_equal(fake.n_opens, 2);
        fake_greet(&fake, 8);
        assert_int_equal(fake_take_run(&fake), other);
        fake_send_result(&fake, other, "2", "");
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), id);
        (void)spr_result_free(result);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), other);
        assert_string_equal(spr_result_get_json(result, NULL), "2");
        (void)spr_result_free(result);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

/* One that leaves without a word before it is warm: no code ran, so it is an error. */
static void test_agent_dies_before_it_is_warm(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        SprResult *result;
        SprError error;
        SprRun *run;

        (void)state;
        assert_int_equal(spr_engine_submit(engine, request, &run, &error), 0);
        fake.fd = fd_close(fake.fd);
        assert_int_equal(spr_run_wait(run, UINT64_MAX, &result, &error), SPR_E_AGENT);
        assert_string_equal(error.message, "spr-agent ended before the interpreter was ready");
        (void)spr_run_free(run);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

static void test_version_mismatch_is_told(void **state) {
        WelcomeFrame welcome = {.magic = WIRE_MAGIC, .major = 9, .minor = 1};
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        SprResult *result;
        SprError error;
        SprRun *run;

        (void)state;
        assert_int_equal(spr_engine_submit(engine, request, &run, &error), 0);
        fake_send(&fake, FRAME_WELCOME, 0, &welcome, sizeof(welcome));
        fake.fd = fd_close(fake.fd);
        assert_int_equal(spr_run_wait(run, UINT64_MAX, &result, &error), SPR_E_AGENT);
        assert_non_null(strstr(error.message, "speaks version 9.1"));
        (void)spr_run_free(run);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

static void test_start(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        SprResult *result;
        SprError error;
        pthread_t thread;

        (void)state;
        /* connect first, so that the serving thread has its stream */
        assert_int_equal(spr_engine_post(engine, request, NULL, NULL), 0);
        assert_int_equal(pthread_create(&thread, NULL, fake_serve, &fake), 0);
        assert_int_equal(spr_engine_start(engine, &error), 0);
        assert_int_equal(spr_engine_start(engine, &error), 0);
        assert_int_equal(spr_engine_run(engine, request, &result, &error), 0);
        (void)spr_result_free(result);
        spr_engine_close(engine);
        assert_int_equal(pthread_join(thread, NULL), 0);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

static void test_start_fails(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        SprError error;

        (void)state;
        assert_int_equal(spr_engine_post(engine, request, NULL, NULL), 0);
        (void)fake_expect(&fake, FRAME_HELLO);
        fake.environment_id = fake_expect(&fake, FRAME_ENV_OPEN);
        fake_send_welcome(&fake, 1);
        fake_send_failure(&fake, fake.environment_id, FAILURE_STAGE_ENVIRONMENT, "no python");
        assert_int_equal(spr_engine_start(engine, &error), SPR_E_INTERPRETER);
        assert_string_equal(error.message, "no python");
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

static void test_close(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        SprResult *result;
        SprError error;
        SprRun *run, *other;
        char byte;

        (void)state;
        assert_int_equal(spr_engine_submit(engine, request, &run, &error), 0);
        assert_int_equal(spr_engine_submit(engine, request, &other, &error), 0);
        assert_int_equal(spr_engine_post(engine, request, NULL, &error), 0);
        spr_engine_close(engine);
        spr_engine_close(engine);
        while (recv(fake.fd, &byte, 1, 0) > 0)
                ; /* the stream has ended */
        assert_int_equal(spr_run_wait(run, UINT64_MAX, &result, &error), SPR_E_CLOSED);
        assert_int_equal(spr_engine_submit(engine, request, &run, &error), SPR_E_CLOSED);
        assert_int_equal(spr_engine_post(engine, request, NULL, &error), SPR_E_CLOSED);
        assert_int_equal(spr_engine_start(engine, &error), SPR_E_CLOSED);
        assert_int_equal(spr_engine_dispatch(engine, &error), SPR_E_CLOSED);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_string_equal(spr_result_get_error(result), "the engine was closed");
        (void)spr_result_free(result);
        (void)spr_run_free(run);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
        /* a handle outlives the engine */
        spr_run_cancel(other);
        assert_int_equal(spr_run_wait(other, UINT64_MAX, &result, &error), SPR_E_CLOSED);
        (void)spr_run_free(other);
        assert_null(spr_engine_free(NULL));
}

static void test_public_birth(void **state) {
        SprEngineOptions *options;
        SprRequest *request = fake_request("x");
        SprEngine *engine;
        SprResult *result;
        SprError error;

        (void)state;
        assert_int_equal(spr_engine_options_new(&options), 0);
        assert_int_equal(spr_engine_options_set_agent(options, "/nonexistent/spr-agent"), 0);
        assert_int_equal(spr_engine_new(&engine, options, &error), 0);
        (void)spr_engine_options_free(options);
        assert_int_equal(spr_engine_run(engine, request, &result, &error), SPR_E_AGENT);
        assert_non_null(strstr(error.message, "cannot run '/nonexistent/spr-agent': "));
        (void)spr_engine_free(engine);
        (void)spr_request_free(request);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lazy),
                cmocka_unit_test(test_agent_does_not_start),
                cmocka_unit_test(test_dead_agent_is_replaced),
                cmocka_unit_test(test_agent_dies_before_it_is_warm),
                cmocka_unit_test(test_version_mismatch_is_told),
                cmocka_unit_test(test_start),
                cmocka_unit_test(test_start_fails),
                cmocka_unit_test(test_close),
                cmocka_unit_test(test_public_birth),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
