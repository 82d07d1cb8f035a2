/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cli/run-output.h"
#include "cli/status.h"

typedef struct Told Told;

/* A result made by hand, in place of libspr's. */
struct SprResult {
        SprOutcome outcome;
        int exit_code;
        const char *error;
        const char *json;
        const char *out, *err;
        const char *out_tail, *err_tail;
        uint64_t out_total, err_total;
};

static const char *text_get(const char *text, size_t *lengthp) {
        *lengthp = text ? strlen(text) : 0;
        return text ? text : "";
}

bool spr_result_get_ok(const SprResult *result) {
        return result->outcome == SPR_OUTCOME_OK;
}

SprOutcome spr_result_get_outcome(const SprResult *result) {
        return result->outcome;
}

int spr_result_get_exit_code(const SprResult *result) {
        return result->exit_code;
}

const char *spr_result_get_error(const SprResult *result) {
        return result->error;
}

const char *spr_result_get_json(const SprResult *result, size_t *lengthp) {
        return result->json ? text_get(result->json, lengthp) : NULL;
}

const char *spr_result_get_stdout(const SprResult *result, size_t *lengthp) {
        return text_get(result->out, lengthp);
}

const char *spr_result_get_stderr(const SprResult *result, size_t *lengthp) {
        return text_get(result->err, lengthp);
}

const char *spr_result_get_stdout_tail(const SprResult *result, size_t *lengthp) {
        return text_get(result->out_tail, lengthp);
}

const char *spr_result_get_stderr_tail(const SprResult *result, size_t *lengthp) {
        return text_get(result->err_tail, lengthp);
}

bool spr_result_get_stdout_truncated(const SprResult *result) {
        return result->out_total > 0;
}

bool spr_result_get_stderr_truncated(const SprResult *result) {
        return result->err_total > 0;
}

uint64_t spr_result_get_stdout_total(const SprResult *result) {
        return result->out_total;
}

uint64_t spr_result_get_stderr_total(const SprResult *result) {
        return result->err_total;
}

int spr_result_to_json(const SprResult *result, char **jsonp) {
        (void)result;
        *jsonp = strdup("{\"the\": \"object\"}");
        return *jsonp ? 0 : -1;
}

struct Told {
        int status;
        char out[4096];
        char err[4096];
};

static void drain(int fd, char text[static 4096]) {
        ssize_t n = fd_read(fd, text, 4095);

        text[n > 0 ? n : 0] = '\0';
}

/* Tells @result, or @fault where there is none. */
static Told tell(const SprResult *result, const Fault *fault, bool json, bool quiet) {
        int out[2], err[2];
        Words words = {.quiet = quiet};
        RunOutput output = {.json = json, .words = &words};
        Told told = {0};

        assert_int_equal(pipe(out), 0);
        assert_int_equal(pipe(err), 0);
        output.stdout_fd = out[1];
        output.stderr_fd = words.fd = err[1];
        told.status =
                result ? run_output_result(&output, result) : run_output_fault(&output, fault);
        (void)fd_close(out[1]);
        (void)fd_close(err[1]);
        drain(out[0], told.out);
        drain(err[0], told.err);
        (void)fd_close(out[0]);
        (void)fd_close(err[0]);
        return told;
}

static void test_results(void **state) {
        static const struct {
                SprResult result;
                int status;
                const char *out, *err;
        } cases[] = {
                {{.outcome = SPR_OUTCOME_OK}, 0, "", ""},
                {{.outcome = SPR_OUTCOME_OK, .json = "45"}, 0, "45\n", ""},
                {{.outcome = SPR_OUTCOME_OK, .out = "a\n", .json = "1"}, 0, "a\n1\n", ""},
                {{.outcome = SPR_OUTCOME_OK, .out = "a", .json = "1"}, 0, "a\n1\n", ""},
                {{.outcome = SPR_OUTCOME_OK, .out = "a", .err = "b"}, 0, "a", "b"},
                /* an exception has told its story */
                {{.outcome = SPR_OUTCOME_ERROR,
                  .exit_code = 1,
                  .error = "ValueError: x",
                  .err = "Traceback\n"},
                 1,
                 "",
                 "Traceback\n"},
                /* unless it could not */
                {{.outcome = SPR_OUTCOME_ERROR, .exit_code = 1, .error = "ValueError: x"},
                 1,
                 "",
                 "spr: ValueError: x\n"},
                {{.outcome = SPR_OUTCOME_ERROR, .exit_code = 3, .error = "SystemExit: 3"},
                 3,
                 "",
                 ""},
                {{.outcome = SPR_OUTCOME_TIMEOUT,
                  .exit_code = 124,
                  .error = "Execution timed out after 1s",
                  .err = "Traceback\n"},
                 124,
                 "",
                 "Traceback\nspr: Execution timed out after 1s\n"},
                {{.outcome = SPR_OUTCOME_MEMORY, .exit_code = 2, .error = "Memory limit exceeded"},
                 137,
                 "",
                 "spr: Memory limit exceeded\n"},
                {{.outcome = SPR_OUTCOME_CANCELLED,
                  .exit_code = 1,
                  .error = "Cancelled",
                  .out = "x"},
                 130,
                 "x",
                 ""},
                {{.outcome = SPR_OUTCOME_OK,
                  .out = "head",
                  .out_tail = "tail",
                  .out_total = 1 << 20,
                  .json = "1"},
                 0,
                 "head\n1\n",
                 "spr: stdout was cut: of 1 MiB the first 4 B are kept, and the last 4 B:\ntail\n"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Told told = tell(&cases[i].result, NULL, false, false);

                assert_int_equal(told.status, cases[i].status);
                assert_string_equal(told.out, cases[i].out);
                assert_string_equal(told.err, cases[i].err);
        }
}

static void test_quiet(void **state) {
        static const SprResult cut = {
                .outcome = SPR_OUTCOME_TIMEOUT,
                .error = "Execution timed out after 1s",
                .out = "head",
                .out_tail = "tail",
                .out_total = 99,
        };
        static const SprResult broken = {.outcome = SPR_OUTCOME_INFRA, .error = "the agent died"};
        Told told = tell(&cut, NULL, false, true);

        (void)state;
        assert_int_equal(told.status, 124);
        assert_string_equal(told.out, "head");
        assert_string_equal(told.err, "");

        told = tell(&broken, NULL, false, true);
        assert_int_equal(told.status, 125);
        assert_string_equal(told.err, "spr: the agent died\n");
}

static void test_json(void **state) {
        static const SprResult result = {
                .outcome = SPR_OUTCOME_TIMEOUT,
                .error = "Execution timed out after 1s",
                .out = "head",
                .err = "Traceback\n",
        };
        Told told = tell(&result, NULL, true, false);

        (void)state;
        assert_int_equal(told.status, 124);
        assert_string_equal(told.out, "{\"the\": \"object\"}\n");
        assert_string_equal(told.err, "");
}

static void test_fault(void **state) {
        static const Fault fault = {
                .status = STATUS_FAILURE,
                .text = "it lacks pandas",
                .remedy = "spr run --script-deps x.py",
        };
        Told told = tell(NULL, &fault, false, true);

        (void)state;
        assert_int_equal(told.status, STATUS_FAILURE);
        assert_string_equal(told.out, "");
        assert_string_equal(told.err, "spr: it lacks pandas\n"
                                      "spr: to allow it, type: spr run --script-deps x.py\n");
}

static void test_fault_json(void **state) {
        static const char *const strings[] = {"stdout", "stderr", "error", "outcome"};
        Fault fault = {.status = STATUS_INTERPRETER, .text = "no \"python9\"\n\\ \xff"};
        Told told = tell(NULL, &fault, true, false);
        json_t *object = json_loads(told.out, 0, NULL);

        (void)state;
        assert_int_equal(told.status, STATUS_INTERPRETER);
        assert_non_null(object);
        assert_int_equal(json_object_size(object), 14);
        assert_true(json_is_false(json_object_get(object, "ok")));
        assert_true(json_is_null(json_object_get(object, "result")));
        assert_int_equal(json_integer_value(json_object_get(object, "exit_code")), 127);
        for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
                assert_true(json_is_string(json_object_get(object, strings[i])));
        assert_string_equal(json_string_value(json_object_get(object, "error")),
                            "no \"python9\"\n\\ \xef\xbf\xbd");
        assert_string_equal(json_string_value(json_object_get(object, "outcome")), "infra");
        json_decref(object);

        fault = (Fault){.status = STATUS_INTERRUPTED, .text = "interrupted"};
        told = tell(NULL, &fault, true, false);
        assert_string_equal(told.err, "");
        assert_non_null(strstr(told.out, "\"outcome\": \"cancelled\", \"killed_by\": \"cancel\""));
}

static void test_broken_pipe(void **state) {
        static const SprResult result = {.outcome = SPR_OUTCOME_OK, .out = "x", .json = "1"};
        int out[2], err[2];
        Words words = {0};
        RunOutput output = {.words = &words};
        char said[4096];

        (void)state;
        (void)signal(SIGPIPE, SIG_IGN);
        assert_int_equal(pipe(out), 0);
        assert_int_equal(pipe(err), 0);
        output.stdout_fd = out[1];
        output.stderr_fd = words.fd = err[1];
        (void)fd_close(out[0]);
        assert_int_equal(run_output_result(&output, &result), STATUS_BROKEN_PIPE);
        (void)fd_close(out[1]);
        assert_int_equal(run_output_result(&output, &result), STATUS_FAILURE); /* EBADF */
        (void)fd_close(err[1]);
        drain(err[0], said);
        (void)fd_close(err[0]);
        assert_string_equal(said, "spr: cannot write to standard output: Bad file descriptor\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_results),    cmocka_unit_test(test_quiet),
                cmocka_unit_test(test_json),       cmocka_unit_test(test_fault),
                cmocka_unit_test(test_fault_json), cmocka_unit_test(test_broken_pipe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
