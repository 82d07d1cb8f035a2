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

static SprRequest *request_with(const char *policy_json) {
        SprRequest *request = fake_request("x");
        SprPolicy *policy;

        assert_int_equal(spr_policy_new_from_json(&policy, policy_json, strlen(policy_json), "p",
                                                  true, NULL),
                         0);
        assert_int_equal(spr_request_set_policy(request, policy), 0);
        (void)spr_policy_free(policy);
        return request;
}

/* Takes ENV_OPEN and holds it against what is expected. */
static uint64_t expect_environment(FakeAgent *fake, uint32_t flags, const char *path) {
        FakeFrame *frame = malloc(sizeof(*frame));
        EnvOpenFrame open;
        uint64_t id;

        assert_non_null(frame);
        assert_true(fake_take(fake, frame));
        assert_int_equal(frame->header.type, FRAME_ENV_OPEN);
        memcpy(&open, frame->payload, sizeof(open));
        assert_int_equal(open.flags, flags);
        assert_int_equal(open.n_paths, path ? 1 : 0);
        assert_string_equal((char *)frame->payload + sizeof(open), "/py");
        if (path)
                assert_string_equal((char *)frame->payload + sizeof(open) + sizeof("/py"), path);
        id = frame->header.stream;
        fake->environment_id = id;
        free(frame);
        return id;
}

/* Takes a run that is to be in this environment, and answers it. */
static void serve_run(FakeAgent *fake, SprEngine *engine, uint64_t environment) {
        FakeFrame *frame = malloc(sizeof(*frame));
        SprResult *result;
        SubmitFrame submit;
        uint64_t run;

        assert_non_null(frame);
        assert_true(fake_take(fake, frame));
        assert_int_equal(frame->header.type, FRAME_SUBMIT);
        memcpy(&submit, frame->payload, sizeof(submit));
        assert_int_equal(submit.environment, environment);
        run = frame->header.stream;
        do
                assert_true(fake_take(fake, frame));
        while (!(frame->header.flags & FRAME_FLAG_END));
        free(frame);
        fake_send_result(fake, run, "1", "");
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), run);
        assert_true(spr_result_get_ok(result));
        (void)spr_result_free(result);
}

/* A policy that demands another network or paths gets an environment of its own, once, and anew
 * from another agent. */
static void test_environments(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *plain = fake_request("x");
        SprRequest *host = request_with("{\"network\": \"host\"}");
        SprRequest *path = request_with("{\"read_only_paths\": [\"/srv\"]}");
        uint64_t first, second, third;

        (void)state;
        assert_int_equal(spr_engine_post(engine, plain, NULL, NULL), 0);
        (void)fake_expect(&fake, FRAME_HELLO);
        first = expect_environment(&fake, 0, NULL);
        fake_send_welcome(&fake, 8);
        fake_send_ready(&fake);
        serve_run(&fake, engine, first);

        assert_int_equal(spr_engine_post(engine, host, NULL, NULL), 0);
        second = expect_environment(&fake, ENV_FLAG_HOST_NETWORK, NULL);
        fake_send_ready(&fake);
        serve_run(&fake, engine, second);
        assert_int_equal(spr_engine_post(engine, path, NULL, NULL), 0);
        third = expect_environment(&fake, 0, "/srv");
        fake_send_ready(&fake);
        serve_run(&fake, engine, third);

        assert_int_equal(spr_engine_post(engine, host, NULL, NULL), 0);
        serve_run(&fake, engine, second);
        assert_int_equal(spr_engine_post(engine, plain, NULL, NULL), 0);
        serve_run(&fake, engine, first);

        fake.fd = fd_close(fake.fd);
        assert_int_equal(spr_engine_post(engine, host, NULL, NULL), 0);
        assert_int_equal(fake.n_opens, 2);
        (void)fake_expect(&fake, FRAME_HELLO);
        second = expect_environment(&fake, ENV_FLAG_HOST_NETWORK, NULL);
        fake_send_welcome(&fake, 8);
        fake_send_ready(&fake);
        serve_run(&fake, engine, second);
        (void)spr_request_free(plain);
        (void)spr_request_free(host);
        (void)spr_request_free(path);
        fake_end(&fake, engine);
}

/* An environment that fails answers its own runs with the words; the others go on. */
static void test_environment_fails_alone(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *plain = fake_request("x");
        SprRequest *path = request_with("{\"read_only_paths\": [\"/nope\"]}");
        SprResult *result;
        uint64_t first, run, failed;

        (void)state;
        assert_int_equal(spr_engine_post(engine, plain, NULL, NULL), 0);
        (void)fake_expect(&fake, FRAME_HELLO);
        first = expect_environment(&fake, 0, NULL);
        fake_send_welcome(&fake, 8);
        fake_send_ready(&fake);
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        assert_int_equal(spr_engine_post(engine, path, &run, NULL), 0);
        serve_run(&fake, engine, first);
        failed = expect_environment(&fake, 0, "/nope");
        assert_int_equal(fake_take_run(&fake), run);
        fake_send_failure(&fake, failed, FAILURE_STAGE_ENVIRONMENT, "no '/nope'");
        assert_int_equal(spr_engine_post(engine, plain, NULL, NULL), 0);
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), run);
        assert_string_equal(spr_result_get_error(result), "no '/nope'");
        (void)spr_result_free(result);
        assert_int_equal(spr_engine_post(engine, path, NULL, NULL), 0);

        serve_run(&fake, engine, first);
        assert_int_equal(fake_expect(&fake, FRAME_ENV_CLOSE), failed);
        failed = expect_environment(&fake, 0, "/nope");
        fake_send_ready(&fake);
        serve_run(&fake, engine, failed);
        (void)spr_request_free(plain);
        (void)spr_request_free(path);
        fake_end(&fake, engine);
}

/* An agent that dies: runs of a warm environment may have started, those of a cold one cannot. */
static void test_agent_dies_with_two_environments(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *plain = fake_request("x");
        SprRequest *host = request_with("{\"network\": \"host\"}");
        SprResult *result;
        SprRun *warm, *cold;
        SprError error;

        (void)state;
        assert_int_equal(spr_engine_submit(engine, plain, &warm, NULL), 0);
        fake_greet(&fake, 8);
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        assert_int_equal(spr_engine_submit(engine, host, &cold, NULL), 0);
        fake.fd = fd_close(fake.fd);
        assert_int_equal(spr_run_wait(cold, UINT64_MAX, &result, &error), SPR_E_AGENT);
        assert_string_equal(error.message, "spr-agent ended before the interpreter was ready");
        assert_int_equal(spr_run_wait(warm, UINT64_MAX, &result, &error), 0);
        assert_string_equal(spr_result_get_error(result),
                            "spr-agent ended while the run was in progress");
        (void)spr_result_free(result);
        (void)spr_run_free(warm);
        (void)spr_run_free(cold);
        (void)spr_request_free(plain);
        (void)spr_request_free(host);
        fake_end(&fake, engine);
}

/* One environment too many: the one that was used longest ago is closed; where all are in use the
 * run is refused. */
static void test_too_many_environments(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *requests[ENVIRONMENTS_MAX + 1];
        uint64_t ids[ENVIRONMENTS_MAX + 1];
        SprError error;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(requests); ++i) {
                char json[64];

                (void)snprintf(json, sizeof(json), "{\"read_only_paths\": [\"/%zu\"]}", i);
                requests[i] = request_with(json);
        }
        for (size_t i = 0; i < ENVIRONMENTS_MAX; ++i) {
                char path[16];

                (void)snprintf(path, sizeof(path), "/%zu", i);
                assert_int_equal(spr_engine_post(engine, requests[i], NULL, NULL), 0);
                if (i == 0) {
                        (void)fake_expect(&fake, FRAME_HELLO);
                        fake_send_welcome(&fake, 64);
                }
                if (i == ENVIRONMENTS_MAX - 1) /* the first one is the engine's own */
                        assert_int_equal(fake_expect(&fake, FRAME_ENV_CLOSE), ids[0]);
                ids[i] = expect_environment(&fake, 0, path);
                fake_send_ready(&fake);
                serve_run(&fake, engine, ids[i]);
        }
        for (size_t i = 1; i < ENVIRONMENTS_MAX; ++i)
                assert_int_equal(spr_engine_post(engine, requests[i], NULL, NULL), 0);
        assert_int_equal(spr_engine_post(engine, requests[ENVIRONMENTS_MAX], NULL, &error),
                         SPR_E_INVALID);
        assert_non_null(strstr(error.message, "no room for one more"));
        for (size_t i = 1; i < ENVIRONMENTS_MAX; ++i)
                serve_run(&fake, engine, ids[i]);
        for (size_t i = 0; i < ARRAY_SIZE(requests); ++i)
                (void)spr_request_free(requests[i]);
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
                cmocka_unit_test(test_environments),
                cmocka_unit_test(test_environment_fails_alone),
                cmocka_unit_test(test_agent_dies_with_two_environments),
                cmocka_unit_test(test_too_many_environments),
                cmocka_unit_test(test_start),
                cmocka_unit_test(test_start_fails),
                cmocka_unit_test(test_close),
                cmocka_unit_test(test_public_birth),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
