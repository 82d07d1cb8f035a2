/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include "client/atfork.h"
#include "fake-agent.h"

/* The child answers with its exit status: 0, or the line that failed. No cmocka there. */
#define CHILD_CHECK(condition)                                                                     \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        _exit(__LINE__ & 0xff ? __LINE__ & 0xff : 1);                              \
        } while (0)

static void assert_child_succeeds(pid_t pid) {
        int status;

        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static bool serve_one(FakeAgent *fake, SprEngine *engine, const SprRequest *request) {
        SprResult *result;
        uint64_t id;

        if (spr_engine_post(engine, request, &id, NULL))
                return false;
        fake_greet(fake, 8);
        (void)fake_take_run(fake);
        fake_send_result(fake, id, "1", "");
        if (spr_engine_dispatch(engine, NULL) || spr_engine_pop(engine, &result))
                return false;
        (void)spr_result_free(result);
        return true;
}

/* Both sides go on: the parent with its runs, the child with an agent of its own. */
static void test_both_sides_go_on(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        int fd = spr_engine_get_fd(engine), parent_stream;
        SprResult *result;
        uint64_t posted;
        SprRun *run;
        pid_t pid;

        (void)state;
        assert_int_equal(spr_engine_submit(engine, request, &run, NULL), 0);
        assert_int_equal(spr_engine_post(engine, request, &posted, NULL), 0);
        fake_greet(&fake, 8);
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        parent_stream = connection_fd(engine->connection);
        pid = fork();
        if (pid == 0) {
                CHILD_CHECK(!engine->connection);
                CHILD_CHECK(fcntl(parent_stream, F_GETFD) < 0 && errno == EBADF);
                CHILD_CHECK(spr_run_wait(run, UINT64_MAX, &result, NULL) == SPR_E_CLOSED);
                spr_run_cancel(run);
                (void)spr_run_free(run);
                CHILD_CHECK(spr_engine_get_fd(engine) == fd);
                CHILD_CHECK(spr_engine_pop(engine, &result) == SPR_E_EMPTY);
                fake.fd = -1; /* the parent's, left alone */
                CHILD_CHECK(serve_one(&fake, engine, request));
                CHILD_CHECK(fake.n_opens == 2);
                (void)spr_engine_free(engine);
                _exit(0);
        }
        assert_child_succeeds(pid);
        fake_send_result(&fake, posted, "1", "");
        fake_send_result(&fake, spr_run_get_id(run), "1", "");
        assert_int_equal(spr_run_wait(run, UINT64_MAX, &result, NULL), 0);
        (void)spr_result_free(result);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_int_equal(spr_result_get_run_id(result), posted);
        (void)spr_result_free(result);
        assert_int_equal(fake.n_opens, 1);
        (void)spr_run_free(run);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

/* What the child does with its descriptors shows in none of the parent's. */
static void test_descriptors_are_apart(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        struct pollfd pollfd = {.fd = spr_engine_get_fd(engine), .events = POLLIN};
        SprResult *result;
        pid_t pid;

        (void)state;
        assert_true(serve_one(&fake, engine, request));
        pid = fork();
        if (pid == 0) {
                uint64_t id;

                fake.fd = -1;
                CHILD_CHECK(spr_engine_post(engine, request, &id, NULL) == 0);
                spr_engine_close(engine); /* sets the child's eventfd */
                CHILD_CHECK(poll(&pollfd, 1, 0) == 1);
                CHILD_CHECK(spr_engine_pop(engine, &result) == 0);
                _exit(0);
        }
        assert_child_succeeds(pid);
        assert_int_equal(poll(&pollfd, 1, 0), 0);
        fake_send_welcome(&fake, 8); /* a lie, but readable */
        assert_int_equal(poll(&pollfd, 1, 0), 1);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

typedef struct Load {
        SprEngine *engine;
        const SprRequest *request;
        atomic_bool stop;
        bool good;
} Load;

static void *load(void *argument) {
        Load *l = argument;
        SprResult *result;

        while (l->good && !atomic_load(&l->stop)) {
                l->good = spr_engine_run(l->engine, l->request, &result, NULL) == 0;
                if (l->good)
                        (void)spr_result_free(result);
        }
        return NULL;
}

/* Whatever other threads are doing at the time, the child finds its engine in order. */
static void test_fork_under_load(void **state) {
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        SprRequest *request = fake_request("x");
        Load l = {.engine = engine, .request = request, .good = true};
        pthread_t server, threads[8];

        (void)state;
        assert_int_equal(spr_engine_post(engine, request, NULL, NULL), 0);
        assert_int_equal(pthread_create(&server, NULL, fake_serve, &fake), 0);
        for (size_t i = 0; i < ARRAY_SIZE(threads); ++i)
                assert_int_equal(pthread_create(&threads[i], NULL, load, &l), 0);
        for (size_t i = 0; i < 20; ++i) {
                pid_t pid = fork();

                if (pid == 0) {
                        fake.fd = -1;
                        CHILD_CHECK(serve_one(&fake, engine, request));
                        (void)spr_engine_free(engine);
                        /* what the vanished threads held is lost, and no leak of ours */
                        (void)execl("/bin/true", "true", NULL);
                        _exit(1);
                }
                assert_child_succeeds(pid);
        }
        atomic_store(&l.stop, true);
        for (size_t i = 0; i < ARRAY_SIZE(threads); ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(l.good);
        spr_engine_close(engine);
        assert_int_equal(pthread_join(server, NULL), 0);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

static void test_registry(void **state) {
        SprEngine *engines[3];
        FakeAgent fakes[3];
        pid_t pid;

        (void)state;
        for (size_t i = 0; i < 3; ++i)
                engines[i] = fake_engine(&fakes[i]);
        fake_end(&fakes[1], engines[1]);
        pid = fork();
        if (pid == 0)
                _exit(0);
        assert_child_succeeds(pid);
        fake_end(&fakes[0], engines[0]);
        fake_end(&fakes[2], engines[2]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_sides_go_on),
                cmocka_unit_test(test_descriptors_are_apart),
                cmocka_unit_test(test_fork_under_load),
                cmocka_unit_test(test_registry),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
