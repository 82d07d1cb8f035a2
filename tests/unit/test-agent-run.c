/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent-host.h"
#include "wire/region.h"

#define SEC UINT64_C(1000000000)
#define FIT .disk_bytes = 1, .file_bytes = 1, .max_processes = 1

static const char forever[] = "while True:\n    pass\n";

/* What the code does, and what comes of it. */
static void test_outcomes(void **state) {
        static const struct {
                const char *code;
                uint64_t timeout_ns, memory_bytes; /* 0 = the default */
                Outcome outcome;
                KilledBy killed_by;
                int exit_code;
                const char *error; /* NULL = none */
        } rows[] = {
                {"result = 6 * 7", 0, 0, OUTCOME_OK, 0, 0, NULL},
                {"import sys\nsys.exit(3)", 0, 0, OUTCOME_ERROR, 0, 3, "SystemExit: 3"},
                {"1 / 0", 0, 0, OUTCOME_ERROR, 0, 1, "ZeroDivisionError: division by zero"},
                {"(", 0, 0, OUTCOME_ERROR, 0, 1, "SyntaxError"},
                {forever, SEC / 5, 0, OUTCOME_TIMEOUT, KILLED_BY_TIMEOUT, 124,
                 "Execution timed out after 0.2s"},
                {"import time\ntime.sleep(1000)", SEC / 5, 0, OUTCOME_TIMEOUT, KILLED_BY_TIMEOUT,
                 124, "timed out"},
                {"x = []\nwhile True:\n    x.append(bytearray(1 << 20))", 0, 64 << 20,
                 OUTCOME_MEMORY, KILLED_BY_MEMORY, 2, "Memory limit exceeded"},
                {"x = bytearray(1 << 40)", 0, 64 << 20, OUTCOME_MEMORY, 0, 2, "Memory limit"},
                {"import os\nos.abort()", 0, 0, OUTCOME_CRASH, KILLED_BY_SIGNAL, 134, "SIGABRT"},
                {"import os\nos.kill(os.getpid(), 9)", 0, 0, OUTCOME_CRASH, KILLED_BY_SIGNAL, 137,
                 "SIGKILL"},
                {"import os\nos._exit(7)", 0, 0, OUTCOME_CRASH, 0, 7, "os._exit()"},
                {"import os\nos.closerange(0, 1000)", 0, 0, OUTCOME_CRASH, 0, 1, "status 1"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(host_result_deinit) HostResult result;
                SubmitFrame submit = host_submit_default;

                if (rows[i].timeout_ns)
                        submit.timeout_ns = rows[i].timeout_ns;
                if (rows[i].memory_bytes)
                        submit.memory_bytes = rows[i].memory_bytes;
                host_submit_with(10 + i, submit, rows[i].code);
                host_result(10 + i, &result);
                if (result.failed)
                        fail_msg("'%s': %s", rows[i].code, result.failure.text);
                if (result.frame.outcome != rows[i].outcome ||
                    result.frame.killed_by != rows[i].killed_by ||
                    result.frame.exit_code != rows[i].exit_code)
                        fail_msg("'%s': %s, killed by %u, exit code %d, %s", rows[i].code,
                                 outcome_name(result.frame.outcome), result.frame.killed_by,
                                 result.frame.exit_code, result.data[DATA_ERROR]);
                if (rows[i].error)
                        assert_non_null(strstr(result.data[DATA_ERROR], rows[i].error));
                else
                        assert_null(result.data[DATA_ERROR]);
        }
        host_run(9, "result = 1", "1");
}

static void test_refused(void **state) {
        static const struct {
                SubmitFrame submit;
                const char *words;
        } rows[] = {
                {{FIT, .environment = 9, .timeout_ns = SEC}, "no such environment"},
                {{.environment = 1}, "out of range"},
                {{.environment = 1, .timeout_ns = SEC}, "out of range"},
                {{FIT, .environment = 1, .timeout_ns = SEC, .memory_bytes = UINT64_MAX},
                 "out of range"},
                {{FIT, .environment = 1, .timeout_ns = SEC, .output_bytes = REGION_OUTPUT_MAX + 1},
                 "out of range"},
                {{FIT, .environment = 1, .timeout_ns = SEC, .result_bytes = UINT64_MAX},
                 "out of range"},
                {{FIT, .environment = 1, .timeout_ns = SEC, .code_size = REGION_CODE_MAX + 1},
                 "code is too large"},
                {{FIT, .environment = 1, .timeout_ns = SEC, .input_size = UINT64_MAX},
                 "input is too large: 18446744073709551615 bytes"},
                {{FIT, .environment = 1, .timeout_ns = SEC, .policy_size = UINT32_MAX},
                 "policy is too large"},
                {{FIT, .environment = 1, .timeout_ns = SEC, .name_size = 4097},
                 "name is too large"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                host_send(frame_header(FRAME_SUBMIT, 10 + i, sizeof(SubmitFrame)), &rows[i].submit);
                host_expect_failure(10 + i, rows[i].words);
                /* its data was on the way, and is dropped */
                host_send(frame_data_header(DATA_CODE, false, 10 + i, 3), "abc");
        }
        host_run(1, "result = 1", "1");
}

/* What is registered to run at the exit has half a second; the answer stands before it. */
static void test_endless_exit(void **state) {
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        host_submit(1, "import atexit, os, time\nresult = 5\n"
                       "atexit.register(lambda: (time.sleep(100), os.write(1, b'late')))\n"
                       "atexit.register(lambda: print('in time'))\nprint('begins')");
        host_result(1, &result);
        assert_int_equal(result.frame.outcome, OUTCOME_OK);
        assert_string_equal(result.data[DATA_RESULT], "5");
        assert_string_equal(result.data[DATA_STDOUT], "begins\nin time\n");
        assert_true(result.frame.usage.wall_ns < 5 * SEC);
}

/* A limit that wraps when it is added to a time is no limit at all. */
static void test_timeout_without_end(void **state) {
        SubmitFrame submit = host_submit_default;
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        submit.timeout_ns = UINT64_MAX;
        host_submit_with(1, submit, "import time\ntime.sleep(0.05)\nresult = 1");
        host_result(1, &result);
        assert_int_equal(result.frame.outcome, OUTCOME_OK);
}

static void test_id_twice(void **state) {
        (void)state;
        host_submit(1, forever);
        host_submit(1, forever);
        host_expect_failure(0, "a run id was used twice");
        host_expect_end();
}

static void test_id_again(void **state) {
        (void)state;
        for (unsigned int i = 0; i < 3; ++i)
                host_run(5, "result = 1", "1"); /* over, and so free again */
}

static void test_too_much_data(void **state) {
        static const struct {
                DataChannel channel;
                size_t length;
        } rows[] = {{DATA_CODE, 4}, {DATA_INPUT, 1}, {DATA_NAME, 1}, {DATA_RESULT, 0}};
        SubmitFrame submit = host_submit_default;

        submit.code_size = 3;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                if (i > 0)
                        (void)host_setup(state);
                host_send(frame_header(FRAME_SUBMIT, 1, sizeof(submit)), &submit);
                host_send(frame_data_header(rows[i].channel, false, 1, rows[i].length), "abcd");
                host_expect_failure(0, "more request data than was announced");
                host_expect_end();
                if (i + 1 < ARRAY_SIZE(rows))
                        (void)host_teardown(state);
        }
}

/* A large input in many frames: credit comes back for what was taken. */
static void test_request_data(void **state) {
        static char input[3 << 20];
        SubmitFrame submit = host_submit_default;
        const char code[] = "result = len(input_data)";
        _cleanup_(host_result_deinit) HostResult result = {0};
        uint64_t granted = 0;

        (void)state;
        memset(input, 'x', sizeof(input));
        input[0] = input[sizeof(input) - 1] = '"';
        submit.code_size = strlen(code);
        submit.input_size = sizeof(input);
        submit.policy_size = strlen(HOST_POLICY);
        host_send(frame_header(FRAME_SUBMIT, 1, sizeof(submit)), &submit);
        host_send(frame_data_header(DATA_POLICY, false, 1, submit.policy_size), HOST_POLICY);
        for (size_t at = 0; at < sizeof(input); at += FRAME_PAYLOAD_MAX)
                host_send(frame_data_header(DATA_INPUT, false, 1, FRAME_PAYLOAD_MAX), input + at);
        host_send(frame_data_header(DATA_CODE, true, 1, strlen(code)), code);
        do {
                CreditFrame credit;

                assert_true(host_receive());
                memcpy(&credit, host_last.payload, sizeof(credit));
                if (host_last.header.type == FRAME_CREDIT)
                        granted += credit.bytes;
        } while (!host_result_take(&result));
        assert_string_equal(result.data[DATA_RESULT], "3145726");
        assert_true(granted >= sizeof(input) - FRAME_CREDIT_INITIAL);
}

static void expect_cancelled(uint64_t id) {
        _cleanup_(host_result_deinit) HostResult result;

        host_result(id, &result);
        assert_false(result.failed);
        assert_int_equal(result.frame.outcome, OUTCOME_CANCELLED);
        assert_int_equal(result.frame.killed_by, KILLED_BY_CANCEL);
        assert_int_equal(result.frame.exit_code, 130);
}

static void test_cancel(void **state) {
        SubmitFrame submit = host_submit_default;

        (void)state;
        host_cancel(77); /* nobody: nothing happens */
        host_submit(1, forever);
        (void)host_worker();
        host_cancel(1);
        host_cancel(1);
        expect_cancelled(1);
        host_submit(2, forever); /* at once: the worker may not be there yet */
        host_cancel(2);
        expect_cancelled(2);
        submit.code_size = 10; /* which never come */
        host_send(frame_header(FRAME_SUBMIT, 3, sizeof(submit)), &submit);
        host_cancel(3);
        expect_cancelled(3);
        host_run(4, "result = 1", "1");
}

static void test_cancel_before_spawn(void **state) {
        (void)state;
        host_start_kind(true);
        host_hello();
        host_env_open(HOST_ENVIRONMENT, HOST_PYTHON, sizeof(HOST_PYTHON), 0, SEC * 20);
        host_submit(1, forever);
        host_cancel(1);
        expect_cancelled(1);
        host_expect(FRAME_ENV_READY, HOST_ENVIRONMENT);
        host_run(2, "result = 1", "1");
}

static void test_worker_killed_from_outside(void **state) {
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        host_submit(1, "import sys\nprint('kept')\nsys.stdout.flush()\n"
                       "import time\ntime.sleep(1000)");
        (void)host_worker();
        for (unsigned int i = 0; i < 300000;
             ++i) { /* until it sleeps, as only the kernel can see */
                char path[64], text[8] = "";
                int fd;

                (void)snprintf(path, sizeof(path), "/proc/%d/wchan", (int)host_worker());
                fd = open(path, O_RDONLY);
                (void)fd_read(fd, text, sizeof(text) - 1);
                (void)fd_close(fd);
                if (!strncmp(text, "hrtimer", 7) || !strncmp(text, "common", 6))
                        break;
        }
        assert_int_equal(kill(host_worker(), SIGKILL), 0);
        host_result(1, &result);
        assert_int_equal(result.frame.outcome, OUTCOME_CRASH);
        assert_int_equal(result.frame.signal, SIGKILL);
}

/* Not the code's fault: it has not begun. One more worker is made, and no third. */
static void test_worker_killed_before_it_has_the_request(void **state) {
        SubmitFrame submit = host_submit_default;
        pid_t first, second;

        (void)state;
        submit.code_size = 10;
        host_send(frame_header(FRAME_SUBMIT, 1, sizeof(submit)), &submit);
        first = host_worker();
        assert_int_equal(kill(first, SIGKILL), 0);
        do
                second = host_worker();
        while (second == first);
        assert_int_equal(kill(second, SIGKILL), 0);
        host_expect_failure(1, "the worker ended before it had the request");
        host_run(2, "result = 1", "1");
}

static void test_two_interleaved(void **state) {
        _cleanup_(host_result_deinit) HostResult slow, quick;

        (void)state;
        host_submit(1, "import time\ntime.sleep(1000)");
        host_submit(2, "result = 2");
        host_result(2, &quick);
        assert_string_equal(quick.data[DATA_RESULT], "2");
        host_cancel(1);
        host_result(1, &slow);
        assert_int_equal(slow.frame.outcome, OUTCOME_CANCELLED);
}

/* Hostile code with the worker's socket in its hands. At worst it spoils its own answer: the
 * deadline holds, and the neighbour is served. */
static void test_forgers(void **state) {
#define SOCKET                                                                                     \
        "import socket, struct, os\n"                                                              \
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, 3)\n"                         \
        "def frame(kind, payload=b'', stream=None):\n"                                             \
        "    return struct.pack('<BBHIQII', kind, 0, 0, len(payload), stream or run, 0, 0) + "     \
        "payload\n"
        static const struct {
                const char *code;
                Outcome outcome;
        } rows[] = {
                {SOCKET "while True: s.send(frame(98, bytes(24)))", OUTCOME_INFRA},
                {SOCKET "s.send(b'')\nwhile True: pass", OUTCOME_TIMEOUT},
                {SOCKET "s.send(b'x')\nwhile True: pass", OUTCOME_INFRA},
                {SOCKET "s.send(b'x' * 5000)\nwhile True: pass", OUTCOME_INFRA},
                {SOCKET "s.send(frame(99, bytes(24), run + 1))\nwhile True: pass", OUTCOME_INFRA},
                {SOCKET "s.send(frame(96, bytes(16)))\nwhile True: pass", OUTCOME_INFRA},
                {SOCKET "socket.send_fds(s, [frame(99, bytes(24))], [3])\nwhile True: pass",
                 OUTCOME_INFRA},
                {SOCKET "s.send(frame(99, struct.pack('<IiQII', 0, 0, 1 << 40, 0, 0)))",
                 OUTCOME_INFRA},
                {SOCKET "s.send(frame(99, struct.pack('<IiQII', 0, 0, 0, 1 << 31, 0)))",
                 OUTCOME_INFRA},
                {SOCKET "s.send(frame(99, struct.pack('<IiQII', 99, 0, 0, 0, 0)))", OUTCOME_INFRA},
                {SOCKET "s.close()\nwhile True: pass", OUTCOME_TIMEOUT},
                {SOCKET "s.send(frame(98, bytes(24)))\ns.send(frame(98, bytes(24)))\n"
                        "while True: pass",
                 OUTCOME_INFRA}, /* ENDED, twice */
                {"import os\nos.write(1, b'x' * 100000)\nwhile True: pass", OUTCOME_TIMEOUT},
                {"import os\nos.ftruncate(4, 0)", OUTCOME_ERROR},
        };
#undef SOCKET
        SubmitFrame submit = host_submit_default;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(host_result_deinit) HostResult result;
                char code[2048];

                /* the stream of its frames is the worker's id; each run here has a new worker */
                submit.disk_bytes += 4096;
                submit.timeout_ns =
                        rows[i].outcome == OUTCOME_TIMEOUT ? SEC : host_submit_default.timeout_ns;
                (void)snprintf(code, sizeof(code), "run = %zu\n%s", 1 + 2 * i, rows[i].code);
                host_submit_with(10 + i, submit, code);
                host_result(10 + i, &result);
                if (result.failed || result.frame.outcome != rows[i].outcome)
                        fail_msg("'%s': %s %s", rows[i].code,
                                 result.failed ? result.failure.text
                                               : outcome_name(result.frame.outcome),
                                 result.data[DATA_ERROR] ? result.data[DATA_ERROR] : "");
                host_run(100 + i, "result = 1", "1");
        }
}

static void test_usage(void **state) {
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        host_submit(1, "x = bytearray(64 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\n"
                       "import time\nwhile time.process_time() < 0.1: pass");
        host_result(1, &result);
        assert_true(result.frame.usage.wall_ns >= SEC / 20);
        assert_true(result.frame.usage.cpu_user_ns + result.frame.usage.cpu_system_ns >= SEC / 20);
        assert_true(result.frame.usage.peak_memory_bytes >= UINT64_C(60) << 20);
        assert_true(result.frame.usage.peak_memory_bytes <= UINT64_C(90) << 20);
        assert_true(result.frame.layers & LAYER_BIT(LAYER_NO_NEW_PRIVS));
        assert_int_equal(result.frame.level, isolation_level_of(result.frame.layers));
}

/* The time of processes that the code has started counts. */
static void test_usage_of_children(void **state) {
        _cleanup_(host_result_deinit) HostResult result;
        SubmitFrame submit = host_submit_default;

        (void)state;
        submit.flags = SUBMIT_FLAG_PROCESSES;
        host_submit_with(1, submit,
                         "import os, time\n"
                         "if os.fork() == 0:\n"
                         "    while time.process_time() < 0.3: pass\n"
                         "    os._exit(0)\n"
                         "os.wait()\n");
        host_result(1, &result);
        assert_false(result.failed);
        assert_int_equal(result.frame.outcome, OUTCOME_OK);
        assert_true(result.frame.usage.cpu_user_ns + result.frame.usage.cpu_system_ns >= SEC / 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_outcomes, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_refused, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_endless_exit, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_endless_exit, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_timeout_without_end, host_setup,
                                                host_teardown),
                cmocka_unit_test_setup_teardown(test_id_twice, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_id_again, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_too_much_data, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_request_data, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_cancel, host_setup, host_teardown),
                cmocka_unit_test_teardown(test_cancel_before_spawn, host_teardown),
                cmocka_unit_test_setup_teardown(test_worker_killed_from_outside, host_setup,
                                                host_teardown),
                cmocka_unit_test_setup_teardown(test_worker_killed_before_it_has_the_request,
                                                host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_two_interleaved, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_forgers, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_usage, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_usage_of_children, host_setup, host_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
