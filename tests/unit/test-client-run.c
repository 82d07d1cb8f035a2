/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/request.h"
#include "client/run.h"

static SprRun *new_run(uint64_t id) {
        Failure failure = FAILURE_NULL;
        SprRequest *request;
        SprRun *run;

        assert_int_equal(spr_request_new(&request), 0);
        assert_int_equal(run_new(&run, request, &failure), 0);
        (void)spr_request_free(request);
        run->id = id;
        return run;
}

static int feed(SprRun *run, DataChannel channel, bool end, const char *bytes, Failure *failure) {
        FrameHeader header = frame_data_header(channel, end, run->id, strlen(bytes));

        return run_result_data(run, &header, (const uint8_t *)bytes, failure);
}

static void test_assembly(void **state) {
        ResultFrame frame = {
                .flags = RESULT_FLAG_HAS_RESULT | RESULT_FLAG_HAS_ERROR,
                .result_size = 4,
                .error_size = 1,
                .stdout_size = 5,
        };
        SprRun *run = new_run(3);

        (void)state;
        assert_false(run_result_complete(run));
        assert_int_equal(run_result_begin(run, &frame, NULL), 0);
        assert_int_equal(feed(run, DATA_STDOUT, false, "he", NULL), 0);
        assert_int_equal(feed(run, DATA_RESULT, false, "1234", NULL), 0);
        assert_int_equal(feed(run, DATA_STDOUT, false, "llo", NULL), 0);
        assert_false(run_result_complete(run));
        assert_int_equal(feed(run, DATA_ERROR, true, "e", NULL), 0);
        assert_true(run_result_complete(run));
        run_finish(run);
        assert_int_equal(run->state, RUN_DONE);
        assert_int_equal(spr_result_get_run_id(run->result), 3);
        assert_string_equal(spr_result_get_stdout(run->result, NULL), "hello");
        assert_string_equal(spr_result_get_json(run->result, NULL), "1234");
        assert_string_equal(spr_result_get_error(run->result), "e");
        assert_null(run_unref(run));
}

static void test_empty_result_is_complete_at_once(void **state) {
        ResultFrame frame = {.outcome = OUTCOME_OK};
        SprRun *run = new_run(3);

        (void)state;
        assert_int_equal(run_result_begin(run, &frame, NULL), 0);
        assert_true(run_result_complete(run));
        (void)run_unref(run);
}

static void test_lies(void **state) {
        static const struct {
                bool begun;
                DataChannel channel;
                bool end;
                const char *bytes, *fault;
        } cases[] = {
                {false, DATA_RESULT, false, "1", "DATA before its RESULT"},
                {true, DATA_CODE, false, "1", "DATA of a channel that is ours to send"},
                {true, DATA_STDOUT, false, "123", "more DATA than its RESULT announced"},
                {true, DATA_STDERR, false, "1", "more DATA than its RESULT announced"},
                {true, DATA_STDOUT, true, "1", "less DATA than its RESULT announced"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                ResultFrame frame = {.stdout_size = 2};
                Failure failure = FAILURE_NULL;
                SprRun *run = new_run(3);

                if (cases[i].begun)
                        assert_int_equal(run_result_begin(run, &frame, NULL), 0);
                assert_int_equal(
                        feed(run, cases[i].channel, cases[i].end, cases[i].bytes, &failure),
                        -EPROTO);
                assert_non_null(strstr(failure.text, cases[i].fault));
                (void)run_unref(run);
        }
}

static void test_two_results(void **state) {
        ResultFrame frame = {.stdout_size = 2};
        SprRun *run = new_run(3);

        (void)state;
        assert_int_equal(run_result_begin(run, &frame, NULL), 0);
        assert_int_equal(run_result_begin(run, &frame, NULL), -EPROTO);
        (void)run_unref(run);
}

static void test_credit(void **state) {
        static const uint8_t bytes[FRAME_PAYLOAD_MAX];
        FrameHeader header = frame_data_header(DATA_RESULT, false, 3, sizeof(bytes));
        ResultFrame frame = {
                .flags = RESULT_FLAG_HAS_RESULT,
                .result_size = 4 * FRAME_CREDIT_INITIAL,
        };
        uint64_t received = 0, granted = FRAME_CREDIT_INITIAL;
        SprRun *run = new_run(3);

        (void)state;
        assert_int_equal(run_result_begin(run, &frame, NULL), 0);
        while (received < frame.result_size) {
                assert_int_equal(run_result_data(run, &header, bytes, NULL), 0);
                received += sizeof(bytes);
                granted += run_result_credit(run);
                assert_true(granted <= received + FRAME_CREDIT_INITIAL);
                assert_true(granted >= received);
        }
        assert_true(granted >= frame.result_size);
        assert_int_equal(run_result_credit(run), 0);
        (void)run_unref(run);
}

static void test_credit_is_enforced(void **state) {
        static const uint8_t bytes[FRAME_PAYLOAD_MAX];
        FrameHeader header = frame_data_header(DATA_RESULT, false, 3, sizeof(bytes));
        ResultFrame frame = {
                .flags = RESULT_FLAG_HAS_RESULT,
                .result_size = 4 * FRAME_CREDIT_INITIAL,
        };
        Failure failure = FAILURE_NULL;
        SprRun *run = new_run(3);

        (void)state;
        assert_int_equal(run_result_begin(run, &frame, NULL), 0);
        for (size_t n = 0; n < FRAME_CREDIT_INITIAL; n += sizeof(bytes))
                assert_int_equal(run_result_data(run, &header, bytes, &failure), 0);
        assert_int_equal(run_result_data(run, &header, bytes, &failure), -EPROTO);
        assert_non_null(strstr(failure.text, "DATA beyond its credit"));
        (void)run_unref(run);
}

static void test_other_ends(void **state) {
        Failure failure = {.text = "words"};
        SprRun *run = new_run(3);

        (void)state;
        run_finish_message(run, OUTCOME_CANCELLED, KILLED_BY_CANCEL, 130, "cancelled");
        assert_string_equal(spr_result_get_error(run->result), "cancelled");
        assert_int_equal(run->state, RUN_DONE);
        run_finish_error(run, SPR_E_CLOSED, &failure);
        assert_null(run->result);
        assert_int_equal(run->error, SPR_E_CLOSED);
        (void)run_ref(run);
        (void)run_unref(run);
        assert_string_equal(run->failure.text, "words");
        (void)run_unref(run);
        assert_null(run_unref(NULL));
}

static void test_lists(void **state) {
        RunTable table = {.n_runs = 0};
        RunList list = {NULL, NULL};
        SprRun *runs[3];

        (void)state;
        for (size_t i = 0; i < 3; ++i) {
                runs[i] = new_run(1 + i * RUN_TABLE_BUCKETS); /* one bucket */
                run_list_append(&list, runs[i]);
        }
        assert_true(run_list_remove(&list, runs[2]));
        assert_false(run_list_remove(&list, runs[2]));
        run_list_append(&list, runs[2]);
        assert_ptr_equal(run_list_pop(&list), runs[0]);
        assert_ptr_equal(run_list_pop(&list), runs[1]);
        assert_ptr_equal(run_list_pop(&list), runs[2]);
        assert_null(run_list_pop(&list));
        for (size_t i = 0; i < 3; ++i)
                run_table_add(&table, runs[i]);
        assert_ptr_equal(run_table_find(&table, runs[1]->id), runs[1]);
        assert_null(run_table_find(&table, 2));
        run_table_remove(&table, runs[1]);
        run_table_remove(&table, runs[1]);
        assert_null(run_table_find(&table, runs[1]->id));
        assert_int_equal(table.n_runs, 2);
        assert_non_null(run_table_pop(&table));
        assert_non_null(run_table_pop(&table));
        assert_null(run_table_pop(&table));
        for (size_t i = 0; i < 3; ++i)
                (void)run_unref(runs[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_assembly),
                cmocka_unit_test(test_empty_result_is_complete_at_once),
                cmocka_unit_test(test_lies),
                cmocka_unit_test(test_two_results),
                cmocka_unit_test(test_credit),
                cmocka_unit_test(test_credit_is_enforced),
                cmocka_unit_test(test_other_ends),
                cmocka_unit_test(test_lists),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
