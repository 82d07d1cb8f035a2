/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "client/result.h"
#include "wire/region.h"

#define TEXT(channel) ((channel)-DATA_RESULT)

static const SubmitFrame submit = {.output_bytes = 1000, .result_bytes = 5000};

static void test_frames(void **state) {
        static const struct {
                ResultFrame frame;
                const char *fault;
        } cases[] = {
                {{.outcome = OUTCOME_OK}, NULL},
                {{.exit_code = 255, .stdout_size = 1000, .stderr_size = 1000}, NULL},
                {{.flags = RESULT_FLAG_HAS_RESULT, .result_size = 5000}, NULL},
                {{.error_size = REGION_ERROR_MAX, .stdout_tail_size = REGION_TAIL_BYTES}, NULL},
                {{.outcome = _OUTCOME_N}, "an unknown outcome"},
                {{.killed_by = _KILLED_BY_N}, "an unknown killer"},
                {{.exit_code = 256}, "an exit code outside 0 to 255"},
                {{.exit_code = -1}, "an exit code outside 0 to 255"},
                {{.level = 99}, "an unknown isolation level"},
                {{.flags = 1u << 31}, "reserved fields set"},
                {{.page_faults = 1}, "page faults that nobody counted"},
                {{.flags = RESULT_FLAG_HAS_RESULT}, "a result flag that its size belies"},
                {{.result_size = 1}, "a result flag that its size belies"},
                {{.flags = RESULT_FLAG_HAS_RESULT, .result_size = 5001},
                 "a result larger than allowed"},
                {{.flags = RESULT_FLAG_HAS_RESULT, .result_size = UINT64_MAX},
                 "a result larger than allowed"},
                {{.error_size = REGION_ERROR_MAX + 1}, "an error text larger than allowed"},
                {{.stdout_size = 1001}, "more output than was asked for"},
                {{.stderr_size = UINT64_MAX}, "more output than was asked for"},
                {{.stdout_tail_size = REGION_TAIL_BYTES + 1},
                 "a longer tail of output than there is"},
                {{.stderr_tail_size = UINT32_MAX}, "a longer tail of output than there is"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                Failure failure = FAILURE_NULL;
                int r = result_frame_check(&cases[i].frame, &submit, &failure);

                if (!cases[i].fault)
                        assert_int_equal(r, 0);
                else
                        assert_non_null(strstr(failure.text, cases[i].fault));
        }
}

static SprResult *new_result(ResultFrame frame, const char *texts[static RESULT_TEXTS]) {
        uint64_t sizes[RESULT_TEXTS];
        SprResult *result;

        frame.result_size = strlen(texts[TEXT(DATA_RESULT)]);
        frame.error_size = (uint32_t)strlen(texts[TEXT(DATA_ERROR)]);
        frame.stdout_size = strlen(texts[TEXT(DATA_STDOUT)]);
        frame.stderr_size = strlen(texts[TEXT(DATA_STDERR)]);
        frame.stdout_tail_size = (uint32_t)strlen(texts[TEXT(DATA_STDOUT_TAIL)]);
        frame.stderr_tail_size = (uint32_t)strlen(texts[TEXT(DATA_STDERR_TAIL)]);
        if (frame.result_size > 0)
                frame.flags |= RESULT_FLAG_HAS_RESULT;
        assert_int_equal(result_new(&result, &frame), 0);
        result_frame_sizes(&frame, sizes);
        for (size_t i = 0; i < RESULT_TEXTS; ++i)
                memcpy(result_space(result, i), texts[i], sizes[i]);
        result_finish(result);
        return result;
}

static void test_json(void **state) {
        static char deep[2 * RESULT_DEPTH_MAX + 3];
        const struct {
                const char *json, *error;
        } cases[] = {
                {"[1, NaN, -Infinity, 100000000000000000000000]", NULL},
                {"\"\\ud800\"", NULL},
                {"[1,]", "result is not valid JSON"},
                {"1 2", "result is not valid JSON"},
                {"\"\xff\"", "result is not valid JSON"},
                {deep, "result is nested too deeply"},
        };

        (void)state;
        memset(deep, '[', RESULT_DEPTH_MAX + 1);
        memset(deep + RESULT_DEPTH_MAX + 1, ']', RESULT_DEPTH_MAX + 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                const char *texts[RESULT_TEXTS] = {cases[i].json, "", "", "", "", ""};
                SprResult *result = new_result((ResultFrame){.outcome = OUTCOME_OK}, texts);

                assert_int_equal(spr_result_get_ok(result), !cases[i].error);
                if (cases[i].error) {
                        assert_null(spr_result_get_json(result, NULL));
                        assert_string_equal(spr_result_get_error(result), cases[i].error);
                        assert_int_equal(spr_result_get_exit_code(result), 1);
                } else {
                        assert_string_equal(spr_result_get_json(result, NULL), cases[i].json);
                }
                (void)spr_result_free(result);
        }
}

static void test_cuts(void **state) {
        static const struct {
                const char *head, *cut_head, *tail, *cut_tail;
        } cases[] = {
                {"", "", "", ""},
                {"abc", "abc", "abc", "abc"},
                {"ab\xc3", "ab", "\xa9 x", " x"},
                {"ab\xe2\x82", "ab", "\x82\xac x", " x"},
                {"ab\xf0\x9f\x98", "ab", "\x9f\x98\x80x", "x"},
                {"ab\xe2\x82\xac", "ab\xe2\x82\xac", "\xe2\x82\xac x", "\xe2\x82\xac x"},
                {"\xf0", "", "\x80", ""},
                {"ab\xff", "ab\xff", "\xff\x80", "\xff\x80"}, /* invalid, not incomplete */
                {"a\x80\x80\x80\x80", "a\x80\x80\x80\x80", "\x80\x80\x80\x80z", "\x80z"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                const char *texts[RESULT_TEXTS] = {
                        "", "", cases[i].head, cases[i].head, cases[i].tail, cases[i].tail};
                uint32_t flags = RESULT_FLAG_STDOUT_TRUNCATED;
                SprResult *result = new_result((ResultFrame){.flags = flags}, texts);
                size_t length;

                assert_string_equal(spr_result_get_stdout(result, &length), cases[i].cut_head);
                assert_int_equal(length, strlen(cases[i].cut_head));
                assert_string_equal(spr_result_get_stdout_tail(result, &length), cases[i].cut_tail);
                assert_int_equal(length, strlen(cases[i].cut_tail));
                /* the other stream was not cut, and stays as it is */
                assert_string_equal(spr_result_get_stderr(result, NULL), cases[i].head);
                assert_string_equal(spr_result_get_stderr_tail(result, NULL), cases[i].tail);
                (void)spr_result_free(result);
        }
}

static void test_message(void **state) {
        SprResult *result;

        (void)state;
        assert_int_equal(
                result_new_message(&result, OUTCOME_INFRA, KILLED_BY_AGENT, 125, "it died"), 0);
        result_finish(result);
        assert_string_equal(spr_result_get_error(result), "it died");
        assert_string_equal(spr_result_get_outcome_name(result), "infra");
        assert_string_equal(spr_result_get_killed_by(result), "agent");
        assert_int_equal(spr_result_get_exit_code(result), 125);
        assert_string_equal(spr_result_get_stdout(result, NULL), "");
        assert_null(spr_result_free(result));
        assert_null(spr_result_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_frames),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_cuts),
                cmocka_unit_test(test_message),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
