/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/queue.h"
#include "client/request.h"

static SprRun *new_run(uint64_t id) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        Failure failure = FAILURE_NULL;
        SprRun *run;

        assert_int_equal(spr_request_new(&request), 0);
        assert_int_equal(run_new(&run, request, &failure), 0);
        run->id = id;
        return run;
}

static void test_first_in_first_out(void **state) {
        SprRun *runs[4];
        RunQueue queue;

        (void)state;
        queue_init(&queue);
        assert_null(queue_first(&queue));
        for (size_t i = 0; i < 4; ++i) {
                runs[i] = new_run(64 * i + 1); /* all in one bucket of the table */
                queue_add(&queue, runs[i]);
                assert_int_equal(runs[i]->state, RUN_QUEUED);
        }
        assert_int_equal(queue_length(&queue), 4);
        assert_ptr_equal(queue_first(&queue), runs[0]);
        assert_ptr_equal(queue_find(&queue, 129), runs[2]);
        assert_null(queue_find(&queue, 2));
        queue_remove(&queue, runs[2]);
        assert_null(queue_find(&queue, 129));
        queue_remove(&queue, runs[0]);
        assert_ptr_equal(queue_first(&queue), runs[1]);
        queue_remove(&queue, runs[1]);
        assert_ptr_equal(queue_first(&queue), runs[3]);
        queue_remove(&queue, runs[3]);
        assert_null(queue_first(&queue));
        assert_int_equal(queue_length(&queue), 0);
        for (size_t i = 0; i < 4; ++i)
                (void)run_unref(runs[i]);
}

static void test_find_in(void **state) {
        Environment environments[2] = {{.n_refs = 2}, {.n_refs = 2}};
        SprRun *run = new_run(1);
        RunQueue queue;

        (void)state;
        queue_init(&queue);
        assert_null(queue_find_in(&queue, NULL));
        run->environment = &environments[0];
        queue_add(&queue, run);
        assert_ptr_equal(queue_find_in(&queue, NULL), run);
        assert_ptr_equal(queue_find_in(&queue, &environments[0]), run);
        assert_null(queue_find_in(&queue, &environments[1]));
        queue_remove(&queue, run);
        (void)run_unref(run);
}

static void test_time_in_the_queue(void **state) {
        SprRun *run = new_run(1);
        RunQueue queue;

        (void)state;
        queue_init(&queue);
        assert_int_equal(queue_deadline_ns(&queue), UINT64_MAX);
        queue_add(&queue, run);
        assert_int_equal(queue_deadline_ns(&queue), UINT64_MAX);
        queue.limits.acquire_timeout_ns = NSEC_PER_SEC;
        assert_int_equal(queue_deadline_ns(&queue), run->queued_ns + NSEC_PER_SEC);
        queue.limits.acquire_timeout_ns = 0;
        assert_int_equal(queue_deadline_ns(&queue), run->queued_ns);
        run->queued_ns -= 7 * NSEC_PER_SEC;
        queue_remove(&queue, run);
        assert_true(run->queue_wait_ns >= 7 * NSEC_PER_SEC);
        assert_true(run->queue_wait_ns < 67 * NSEC_PER_SEC);
        (void)run_unref(run);
}

static void test_capacity(void **state) {
        static const struct {
                uint32_t wanted, offered, capacity;
        } rows[] = {
                {0, 8, 8}, {4, 8, 4}, {8, 4, 4}, {8, 8, 8}, {4, 0, 4}, {0, 0, 16}, {0, 1, 1},
        };
        RunQueue queue;

        (void)state;
        queue_init(&queue);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                queue.limits.max_concurrency = rows[i].wanted;
                assert_int_equal(queue_capacity(&queue, rows[i].offered), rows[i].capacity);
        }
}

static void assert_refused(const RunQueue *queue, uint32_t offered, size_t n, const char *words) {
        Failure failure = FAILURE_NULL;

        assert_int_equal(queue_check_room(queue, offered, n, &failure), -EBUSY);
        assert_int_equal(failure.stage, FAILURE_STAGE_RESOURCES);
        assert_string_equal(failure.text, words);
}

static void test_room(void **state) {
        SprRun *run = new_run(1);
        RunQueue queue;

        (void)state;
        queue_init(&queue);
        queue.limits.max_concurrency = 4;
        queue.limits.max_queue = 0;
        assert_int_equal(queue_check_room(&queue, 0, 3, NULL), 0);
        assert_refused(&queue, 0, 4,
                       "cannot take another run: 4 are in progress (max_concurrency) and 0 wait "
                       "(max_queue 0)");
        queue.limits.max_queue = 1;
        assert_int_equal(queue_check_room(&queue, 0, 4, NULL), 0);
        queue_add(&queue, run);
        assert_int_equal(queue_check_room(&queue, 8, 3, NULL), 0);
        assert_refused(&queue, 8, 4,
                       "cannot take another run: 4 are in progress (max_concurrency) and 1 wait "
                       "(max_queue 1)");
        assert_refused(&queue, 2, 2,
                       "cannot take another run: 2 are in progress (all that spr-agent takes) and "
                       "1 wait (max_queue 1)");
        queue.limits.max_queue = UINT32_MAX;
        assert_int_equal(queue_check_room(&queue, 2, UINT32_MAX, NULL), 0);
        queue_remove(&queue, run);
        (void)run_unref(run);
}

static void assert_explained(uint64_t timeout_ns, uint32_t wanted, const char *words) {
        RunQueue queue;
        char text[160];

        queue_init(&queue);
        queue.limits.acquire_timeout_ns = timeout_ns;
        queue.limits.max_concurrency = wanted;
        queue_explain_overdue(&queue, 8, text, sizeof(text));
        assert_string_equal(text, words);
}

static void test_words(void **state) {
        (void)state;
        assert_explained(2 * NSEC_PER_SEC, 4,
                         "no slot was free for 2s (acquire_timeout): 4 runs at a time "
                         "(max_concurrency), 0 waiting");
        assert_explained(250 * NSEC_PER_MSEC, 0,
                         "no slot was free for 0.25s (acquire_timeout): 8 runs at a time (all that "
                         "spr-agent takes), 0 waiting");
        assert_explained(10005 * NSEC_PER_MSEC, 8,
                         "no slot was free for 10.005s (acquire_timeout): 8 runs at a time "
                         "(max_concurrency), 0 waiting");
        assert_explained(0, 9,
                         "no slot was free for 0s (acquire_timeout): 8 runs at a time (all that "
                         "spr-agent takes), 0 waiting");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_in_first_out),
                cmocka_unit_test(test_find_in),
                cmocka_unit_test(test_time_in_the_queue),
                cmocka_unit_test(test_capacity),
                cmocka_unit_test(test_room),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
