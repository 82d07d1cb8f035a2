/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "client/leader.h"
#include "fake-agent.h"

/* All threads at once on one engine: every wait ends, with its own result. */
#define N_THREADS 200
#define N_RUNS    50

typedef struct Job {
        SprEngine *engine;
        const SprRequest *request;
        unsigned int number;
        bool good;
} Job;

static bool run_in_slices(SprEngine *engine, const SprRequest *request, SprResult **resultp) {
        SprRun *run;
        int r;

        if (spr_engine_submit(engine, request, &run, NULL))
                return false;
        do
                r = spr_run_wait(run, 100000, resultp, NULL);
        while (r == SPR_E_TIMEOUT || r == SPR_E_INTERRUPTED);
        (void)spr_run_free(run);
        return r == 0;
}

static bool result_is_own(const SprResult *result) {
        char expected[32];

        (void)snprintf(expected, sizeof(expected), "%llu",
                       (unsigned long long)spr_result_get_run_id(result));
        return strcmp(spr_result_get_json(result, NULL), expected) == 0;
}

/* Every way to wait or not to: for ever, in slices, abandoning. */
static void *work(void *argument) {
        Job *job = argument;

        job->good = true;
        for (unsigned int i = 0; i < N_RUNS; ++i) {
                SprResult *result = NULL;
                SprRun *run;

                switch ((job->number + i) % 3) {
                case 0:
                        job->good &= !spr_engine_run(job->engine, job->request, &result, NULL);
                        break;
                case 1:
                        job->good &= run_in_slices(job->engine, job->request, &result);
                        break;
                default:
                        job->good &= !spr_engine_submit(job->engine, job->request, &run, NULL);
                        (void)spr_run_free(run);
                        break;
                }
                if (result)
                        job->good &= result_is_own(result);
                (void)spr_result_free(result);
        }
        return NULL;
}

static void test_many_threads(void **state) {
        static Job jobs[N_THREADS];
        static pthread_t threads[N_THREADS];
        SprRequest *request = fake_request("x");
        pthread_t server;
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);

        (void)state;
        assert_int_equal(spr_engine_post(engine, request, NULL, NULL), 0);
        assert_int_equal(pthread_create(&server, NULL, fake_serve, &fake), 0);
        for (unsigned int i = 0; i < N_THREADS; ++i) {
                jobs[i] = (Job){.engine = engine, .request = request, .number = i};
                assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
        }
        for (size_t i = 0; i < N_THREADS; ++i) {
                assert_int_equal(pthread_join(threads[i], NULL), 0);
                assert_true(jobs[i].good);
        }
        spr_engine_close(engine);
        assert_int_equal(pthread_join(server, NULL), 0);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

static void *wait_for_run(void *argument) {
        SprResult *result = NULL;
        int r = spr_run_wait(argument, UINT64_MAX, &result, NULL);

        (void)spr_result_free(result);
        return (void *)(intptr_t)r;
}

static bool is_settled(SprEngine *engine, bool follower) {
        bool settled;

        engine_lock(engine);
        settled = engine->leader_sleeps && (engine->followers != NULL) == follower;
        engine_unlock(engine);
        return settled;
}

/* Until the engine has a sleeping leader, and a follower or none. */
static void settle(SprEngine *engine, bool follower) {
        while (!is_settled(engine, follower))
                (void)sched_yield();
}

typedef struct Fixture {
        FakeAgent fake;
        SprEngine *engine;
        SprRequest *request;
        SprRun *runs[2];
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        assert_non_null(fixture);
        fixture->engine = fake_engine(&fixture->fake);
        fixture->request = fake_request("x");
        assert_int_equal(
                spr_engine_submit(fixture->engine, fixture->request, &fixture->runs[0], NULL), 0);
        fake_greet(&fixture->fake, 8);
        assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
        assert_int_equal(
                spr_engine_submit(fixture->engine, fixture->request, &fixture->runs[1], NULL), 0);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void)spr_run_free(fixture->runs[0]);
        (void)spr_run_free(fixture->runs[1]);
        (void)spr_request_free(fixture->request);
        fake_end(&fixture->fake, fixture->engine);
        free(fixture);
        return 0;
}

static void join(pthread_t thread, int expected) {
        void *answer;

        assert_int_equal(pthread_join(thread, &answer), 0);
        assert_int_equal((int)(intptr_t)answer, expected);
}

/* The leader leaves with its result, and the follower takes over. */
static void test_succession(void **state) {
        Fixture *fixture = *state;
        pthread_t leader, follower;

        assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[0]), 0);
        settle(fixture->engine, false);
        assert_int_equal(pthread_create(&follower, NULL, wait_for_run, fixture->runs[1]), 0);
        settle(fixture->engine, true);
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[0]), "1", "");
        join(leader, 0);
        settle(fixture->engine, false);
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[1]), "2", "");
        join(follower, 0);
}

static void test_follower_first(void **state) {
        Fixture *fixture = *state;
        pthread_t leader, follower;

        assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[0]), 0);
        settle(fixture->engine, false);
        assert_int_equal(pthread_create(&follower, NULL, wait_for_run, fixture->runs[1]), 0);
        settle(fixture->engine, true);
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[1]), "2", "");
        join(follower, 0);
        settle(fixture->engine, false);
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[0]), "1", "");
        join(leader, 0);
}

/* Another thread takes the bytes that the leader polls for. */
static void test_dispatch_beside_a_leader(void **state) {
        Fixture *fixture = *state;
        pthread_t leader;

        for (size_t i = 0; i < 2; ++i) {
                assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[i]), 0);
                settle(fixture->engine, false);
                fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[i]), "1", "");
                assert_int_equal(spr_engine_dispatch(fixture->engine, NULL), 0);
                join(leader, 0);
        }
}

static void test_close_ends_waits(void **state) {
        Fixture *fixture = *state;
        pthread_t leader, follower;

        assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[0]), 0);
        settle(fixture->engine, false);
        assert_int_equal(pthread_create(&follower, NULL, wait_for_run, fixture->runs[1]), 0);
        settle(fixture->engine, true);
        spr_engine_close(fixture->engine);
        join(leader, SPR_E_CLOSED);
        join(follower, SPR_E_CLOSED);
}

/* A submission that the socket does not take wakes the leader, which then sends the rest. */
static void test_leader_sends_for_others(void **state) {
        enum {
                SIZE = 900 * 1024
        };
        Fixture *fixture = *state;
        char *code = malloc(SIZE);
        pthread_t leader;
        SprRun *large;

        assert_non_null(code);
        memset(code, '#', SIZE);
        (void)fake_take_run(&fixture->fake);
        (void)fake_take_run(&fixture->fake);
        assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[0]), 0);
        settle(fixture->engine, false);
        assert_int_equal(spr_request_set_code(fixture->request, code, SIZE), 0);
        assert_int_equal(spr_engine_submit(fixture->engine, fixture->request, &large, NULL), 0);
        assert_int_equal(fake_take_run(&fixture->fake), spr_run_get_id(large));
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[0]), "1", "");
        join(leader, 0);
        (void)spr_run_free(large);
        free(code);
}

static void test_timeout(void **state) {
        Fixture *fixture = *state;
        uint64_t start = clock_now_ns();
        pthread_t leader;
        SprResult *result;
        SprError error;

        assert_int_equal(spr_run_wait(fixture->runs[0], 0, &result, &error), SPR_E_TIMEOUT);
        assert_int_equal(spr_run_wait(fixture->runs[0], 5 * NSEC_PER_MSEC, &result, &error),
                         SPR_E_TIMEOUT);
        assert_true(clock_now_ns() - start >= 5 * NSEC_PER_MSEC);
        assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[0]), 0);
        settle(fixture->engine, false);
        assert_int_equal(spr_run_wait(fixture->runs[1], 5 * NSEC_PER_MSEC, &result, &error),
                         SPR_E_TIMEOUT); /* as a follower */
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[0]), "1", "");
        join(leader, 0);
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[1]), "1", "");
        assert_int_equal(spr_run_wait(fixture->runs[1], 0, &result, &error), 0);
        (void)spr_result_free(result);
}

/* A leader that waits for ever looks after the queue all the same, also where the queue was empty
 * when it went to sleep. */
static void test_leader_minds_the_queue(void **state) {
        Fixture *fixture = *state;
        SprRun *overdue, *more[3];
        SprResult *result;
        pthread_t leader;

        fixture->engine->queue.limits.max_concurrency = 2;
        fixture->engine->queue.limits.acquire_timeout_ns = 2 * NSEC_PER_MSEC;
        assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[0]), 0);
        settle(fixture->engine, false);
        assert_int_equal(spr_engine_submit(fixture->engine, fixture->request, &overdue, NULL), 0);
        assert_int_equal(spr_run_wait(overdue, UINT64_MAX, &result, NULL), 0); /* as a follower */
        assert_string_equal(spr_result_get_outcome_name(result), "infra");
        (void)spr_result_free(result);
        (void)spr_run_free(overdue);
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[0]), "1", "");
        join(leader, 0);

        /* and as the leader */
        fake_send_result(&fixture->fake, spr_run_get_id(fixture->runs[1]), "1", "");
        assert_int_equal(spr_run_wait(fixture->runs[1], UINT64_MAX, &result, NULL), 0);
        (void)spr_result_free(result);
        for (size_t i = 0; i < 3; ++i)
                assert_int_equal(
                        spr_engine_submit(fixture->engine, fixture->request, &more[i], NULL), 0);
        assert_int_equal(spr_run_wait(more[2], UINT64_MAX, &result, NULL), 0);
        assert_string_equal(spr_result_get_outcome_name(result), "infra");
        (void)spr_result_free(result);
        for (size_t i = 0; i < 3; ++i)
                (void)spr_run_free(more[i]);
}

static void on_signal(int number) {
        (void)number;
}

static void test_signal(void **state) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
        Fixture *fixture = *state;
        pthread_t leader;

        assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
        assert_int_equal(pthread_create(&leader, NULL, wait_for_run, fixture->runs[0]), 0);
        settle(fixture->engine, false);
        /* the lock is free for a moment before poll(2) begins: a signal there would be missed */
        while (pthread_kill(leader, SIGUSR1) == 0 && is_settled(fixture->engine, false))
                (void)sched_yield();
        join(leader, SPR_E_INTERRUPTED);
        assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_many_threads),
                TEST(test_succession),
                TEST(test_follower_first),
                TEST(test_dispatch_beside_a_leader),
                TEST(test_close_ends_waits),
                TEST(test_leader_sends_for_others),
                TEST(test_leader_minds_the_queue),
                TEST(test_timeout),
                TEST(test_signal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
