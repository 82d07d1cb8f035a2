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

#define MIB (1u << 20)

/* @megabytes of stdout, in which byte n is a letter that tells n, then a line on stderr. */
static const char *printer(unsigned int megabytes) {
        static char code[256];

        (void)snprintf(code, sizeof(code),
                       "import sys\nline = 'abcdefghijklmnopqrstuvwxyz0123456789.' * 1000\n"
                       "text = (line * %u)[:%u << 20]\n"
                       "sys.stdout.write(text)\nsys.stderr.write('done')\nresult = len(text)",
                       29 * megabytes, megabytes);
        return code;
}

static void check_printed(const char *bytes, size_t from, size_t length) {
        for (size_t i = 0; i < length; ++i)
                if (bytes[i] != "abcdefghijklmnopqrstuvwxyz0123456789."[(from + i) % 37])
                        fail_msg("byte %zu is %d", from + i, bytes[i]);
}

static SubmitFrame submit_with_output(uint64_t bytes) {
        SubmitFrame submit = host_submit_default;

        submit.output_bytes = bytes;
        return submit;
}

static void test_channels(void **state) {
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        host_submit_with(1, submit_with_output(100), printer(1));
        host_result(1, &result);
        assert_int_equal(result.frame.stdout_total, MIB);
        assert_int_equal(result.frame.stdout_size, 100);
        assert_int_equal(result.n_data[DATA_STDOUT], 100);
        check_printed(result.data[DATA_STDOUT], 0, 100);
        assert_int_equal(result.frame.stdout_tail_size, REGION_TAIL_BYTES);
        assert_int_equal(result.n_data[DATA_STDOUT_TAIL], REGION_TAIL_BYTES);
        check_printed(result.data[DATA_STDOUT_TAIL], MIB - REGION_TAIL_BYTES, REGION_TAIL_BYTES);
        assert_string_equal(result.data[DATA_STDERR], "done");
        assert_int_equal(result.frame.stderr_tail_size, 0);
        assert_string_equal(result.data[DATA_RESULT], "1048576");
        assert_int_equal(result.frame.flags, RESULT_FLAG_STDOUT_TRUNCATED | RESULT_FLAG_HAS_RESULT);
}

static void test_nothing_to_say(void **state) {
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        host_submit(1, "pass");
        host_result(1, &result);
        assert_int_equal(result.frame.flags, 0);
        assert_int_equal(host_last.header.type, FRAME_DATA); /* the END, empty */
        assert_int_equal(host_last.header.length, 0);
        for (size_t i = 0; i < _DATA_CHANNEL_N; ++i)
                assert_int_equal(result.n_data[i], 0);
}

/* The host grants no credit: what may be sent without comes, and no byte more, whatever else it
 * asks meanwhile; then byte by byte what it grants. */
static void test_credit(void **state) {
        _cleanup_(host_result_deinit) _unused_ HostResult result = {0};
        CreditFrame credit = {.bytes = 1};
        size_t received = 0;

        (void)state;
        host_submit_with(1, submit_with_output(4 * MIB), printer(3));
        host_expect(FRAME_RESULT, 1);
        while (received < FRAME_CREDIT_INITIAL) {
                host_expect(FRAME_DATA, 1);
                received += host_last.header.length;
        }
        assert_int_equal(received, FRAME_CREDIT_INITIAL);
        host_run(2, "result = 2", "2"); /* which another run does not wait for */
        host_send(frame_header(FRAME_PING, 0, 2), "hi");
        host_expect(FRAME_PONG, 0);
        for (unsigned int i = 0; i < 3; ++i) {
                host_send(frame_header(FRAME_CREDIT, 1, sizeof(credit)), &credit);
                host_expect(FRAME_DATA, 1);
                assert_int_equal(host_last.header.length, 1);
        }
        credit.bytes = 16 * MIB;
        host_send(frame_header(FRAME_CREDIT, 1, sizeof(credit)), &credit);
        received += 3;
        do {
                host_expect(FRAME_DATA, 1);
                received += host_last.header.length;
        } while (!(host_last.header.flags & FRAME_FLAG_END));
        assert_int_equal(received, 3 * MIB + strlen("done") + strlen("3145728"));
        host_run(1, "result = 3", "3"); /* the id is free again */
}

static void test_large(void **state) {
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        host_submit_with(1, submit_with_output(4 * MIB), printer(3));
        host_result(1, &result);
        assert_int_equal(result.n_data[DATA_STDOUT], 3 * MIB);
        check_printed(result.data[DATA_STDOUT], 0, 3 * MIB);
        assert_string_equal(result.data[DATA_STDERR], "done");
}

static int pipe_fd = -1; /* to the agent, where standard input comes from it */

/* The stream takes at once more than the agent puts into it in a turn, so that no event of the
 * stream tells it to go on: a large pipe, as a host that reads as fast as it is written to. */
static void test_host_that_takes_everything_at_once(void **state) {
        HelloFrame hello = {.magic = WIRE_MAGIC, .major = WIRE_VERSION_MAJOR};
        _cleanup_(host_result_deinit) HostResult result = {0};
        int in[2], out[2];

        (void)state;
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_true(fcntl(out[1], F_SETPIPE_SZ, MIB) >= (int)MIB);
        host_fork(in[0], out[1], (int[]){in[1], out[0]}, -1, true);
        host_fd = pipe_fd = in[1];
        host_send(frame_header(FRAME_HELLO, 0, sizeof(hello)), &hello);
        host_env_open(HOST_ENVIRONMENT, HOST_PYTHON, sizeof(HOST_PYTHON), 0, UINT64_MAX);
        host_submit_with(1, submit_with_output(MIB), "print('x' * 900000)");
        host_fd = out[0];
        do
                assert_true(host_receive());
        while (host_last.header.type != FRAME_RESULT);
        /* no word to the agent until all is here: nothing else wakes it */
        while (!(host_last.header.flags & FRAME_FLAG_END)) {
                host_expect(FRAME_DATA, 1);
                host_result_add(&result, DATA_STDOUT);
        }
        assert_int_equal(result.n_data[DATA_STDOUT], 900001);
}

static int teardown_pipes(void **state) {
        pipe_fd = fd_close(pipe_fd);
        return host_teardown(state);
}

/* The environment is closed while its last result is on the way. */
static void test_environment_closed_meanwhile(void **state) {
        CreditFrame credit = {.bytes = 16 * MIB};
        size_t received = 0;

        (void)state;
        host_submit_with(1, submit_with_output(4 * MIB), printer(3));
        host_expect(FRAME_RESULT, 1);
        host_send(frame_header(FRAME_ENV_CLOSE, HOST_ENVIRONMENT, 0), NULL);
        host_send(frame_header(FRAME_CREDIT, 1, sizeof(credit)), &credit);
        do {
                host_expect(FRAME_DATA, 1);
                received += host_last.header.length;
        } while (!(host_last.header.flags & FRAME_FLAG_END));
        assert_true(received > 3 * MIB);
}

/* The region has no descriptor and no name, but code that has ctypes finds it: behind sys.stdout is
 * our object, that points to where the mapping is, whose first number is what was printed. */
static const char finder[] =
        "import ctypes, os, sys\n"
        "def words(at, n):\n"
        "    return [w for w in (ctypes.c_size_t * n).from_address(at)\n"
        "            if 1 << 24 < w < 1 << 47 and w % 8 == 0]\n"
        "print('abc')\n"
        "inlet, outlet = os.pipe()\n"
        "def is_mapped(at):\n"
        "    return ctypes.CDLL(None).write(outlet, ctypes.c_void_p(at), 16) == 16\n"
        "places = [v for o in words(id(sys.stdout), type(sys.stdout).__basicsize__ // 8)\n"
        "          if is_mapped(o) for v in words(o, 2) if v % 4096 == 0 and is_mapped(v)]\n"
        "region = next(v for v in places if ctypes.c_uint64.from_address(v).value == 4)\n"
        "ctypes.memset(region, 255, 16)\n"
        "os._exit(0)\n";

/* A counter of the stream that says more than anybody wrote: zeros, as many as the cap lets. */
static void test_bogus_total(void **state) {
        _cleanup_(host_result_deinit) HostResult result;

        (void)state;
        host_submit_with(1, submit_with_output(5000), finder);
        host_result(1, &result);
        assert_int_equal(result.n_data[DATA_STDOUT], 5000);
        assert_int_equal(result.n_data[DATA_STDERR_TAIL], REGION_TAIL_BYTES);
        assert_int_equal(result.frame.outcome, OUTCOME_CRASH);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_channels, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_nothing_to_say, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_credit, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_large, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_environment_closed_meanwhile, host_setup,
                                                host_teardown),
                cmocka_unit_test_setup_teardown(test_bogus_total, host_setup, host_teardown),
                cmocka_unit_test_teardown(test_host_that_takes_everything_at_once, teardown_pipes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
