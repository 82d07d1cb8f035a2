/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/loop.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "base/list.h"

#define N 8

typedef struct Pipe {
        LoopSource source;
        int ends[2];
        unsigned int n_calls;
} Pipe;

static Loop loop;
static Pipe pipes[N];
static unsigned int n_calls;

static int setup(void **state) {
        (void)state;
        n_calls = 0;
        for (size_t i = 0; i < N; ++i) {
                pipes[i] = (Pipe){0};
                if (pipe(pipes[i].ends) < 0)
                        return -1;
        }
        return loop_init(&loop, NULL);
}

static int teardown(void **state) {
        (void)state;
        for (size_t i = 0; i < N; ++i) {
                loop_remove(&pipes[i].source);
                (void)close(pipes[i].ends[0]);
                (void)close(pipes[i].ends[1]);
        }
        loop.epoll_fd = fd_close(loop.epoll_fd);
        return 0;
}

static void count(LoopSource *source, uint32_t events) {
        assert_true(events & EPOLLIN);
        ++container_of(source, Pipe, source)->n_calls;
        ++n_calls;
}

/* Removes every source, whichever is called first. */
static void remove_all(LoopSource *source, uint32_t events) {
        count(source, events);
        for (size_t i = 0; i < N; ++i)
                loop_remove(&pipes[i].source);
}

/* Removes all others and puts them back: their events were for what they had been. */
static void replace_others(LoopSource *source, uint32_t events) {
        count(source, events);
        for (size_t i = 0; i < N; ++i)
                if (&pipes[i].source != source) {
                        loop_remove(&pipes[i].source);
                        assert_int_equal(loop_add(&loop, &pipes[i].source, pipes[i].ends[0],
                                                  EPOLLIN, count, NULL),
                                         0);
                }
}

static void add_all(LoopFn fn) {
        for (size_t i = 0; i < N; ++i) {
                assert_int_equal(
                        loop_add(&loop, &pipes[i].source, pipes[i].ends[0], EPOLLIN, fn, NULL), 0);
                assert_int_equal(write(pipes[i].ends[1], "x", 1), 1);
        }
}

static void test_removal_during_dispatch(void **state) {
        static const struct {
                LoopFn fn;
                unsigned int first, second; /* calls in the first turn and in the next */
        } rows[] = {{count, N, N}, {remove_all, 1, 0}, {replace_others, 1, N}};

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                add_all(rows[i].fn);
                assert_int_equal(loop_run_once(&loop, 0), 0);
                assert_int_equal(n_calls, rows[i].first);
                for (size_t j = 0; j < N; ++j)
                        pipes[j].source.fn = count;
                n_calls = 0;
                assert_int_equal(loop_run_once(&loop, 0), 0);
                assert_int_equal(n_calls, rows[i].second);
                (void)teardown(state);
                (void)setup(state);
        }
}

/* More sources than one batch holds: all come to their turn. */
static void test_more_than_a_batch(void **state) {
        static Pipe many[LOOP_BATCH + 10];
        int ends[2];

        (void)state;
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "x", 1), 1);
        for (size_t i = 0; i < ARRAY_SIZE(many); ++i) {
                many[i].ends[0] = dup(ends[0]);
                assert_int_equal(
                        loop_add(&loop, &many[i].source, many[i].ends[0], EPOLLIN, count, NULL), 0);
        }
        for (unsigned int i = 0; i < 3; ++i)
                assert_int_equal(loop_run_once(&loop, 0), 0);
        for (size_t i = 0; i < ARRAY_SIZE(many); ++i) {
                assert_true(many[i].n_calls > 0);
                loop_remove(&many[i].source);
                (void)close(many[i].ends[0]);
        }
        (void)close(ends[0]);
        (void)close(ends[1]);
}

static void test_set(void **state) {
        (void)state;
        add_all(count);
        for (size_t i = 0; i < N; ++i)
                loop_set(&pipes[i].source, i == 3 ? EPOLLIN : 0);
        assert_int_equal(loop_run_once(&loop, 0), 0);
        assert_int_equal(n_calls, 1);
        assert_int_equal(pipes[3].n_calls, 1);
        loop_set(&(LoopSource){0}, EPOLLIN); /* in no loop: nothing happens */
        loop_remove(&(LoopSource){0});
}

static void test_add_fails(void **state) {
        Failure failure = FAILURE_NULL;
        LoopSource source = {0};

        (void)state;
        assert_int_equal(loop_add(&loop, &source, -1, EPOLLIN, count, &failure), -EBADF);
        assert_null(source.loop);
        assert_true(failure.text[0]);
}

/* Rounded up: when the wait ends, the deadline has passed. */
static void test_timeout(void **state) {
        static const uint64_t timeouts[] = {0, 1, NSEC_PER_MSEC, 3 * NSEC_PER_MSEC + 1};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(timeouts); ++i) {
                uint64_t start = clock_now_ns();

                assert_int_equal(loop_run_once(&loop, timeouts[i]), 0);
                assert_true(clock_now_ns() - start >= timeouts[i]);
        }
        add_all(count);
        assert_int_equal(loop_run_once(&loop, UINT64_MAX), 0);
        assert_int_equal(loop_run_once(&loop, UINT64_MAX - 1), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_removal_during_dispatch, setup, teardown),
                cmocka_unit_test_setup_teardown(test_more_than_a_batch, setup, teardown),
                cmocka_unit_test_setup_teardown(test_set, setup, teardown),
                cmocka_unit_test_setup_teardown(test_add_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
