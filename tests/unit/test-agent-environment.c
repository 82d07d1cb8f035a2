/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent-host.h"
#include "agent/agent.h"
#include "agent/environment.h"
#include "tree.h"

#define SEC UINT64_C(1000000000)

/* A program of the test in the place of the interpreter. */
static const char *program(const char *text) {
        int fd;

        fd = open(tree_path("python"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        (void)fd_close(fd);
        assert_int_equal(chmod(tree_root, 0755), 0);
        return tree_path("python");
}

static int setup(void **state) {
        tree_new("/tmp", NULL, 0);
        return host_setup_bare(state);
}

static int teardown(void **state) {
        tree_free();
        return host_teardown(state);
}

static void open_program(uint64_t id, const char *path, uint64_t timeout_ns) {
        host_env_open(id, path, strlen(path) + 1, 0, timeout_ns);
}

static void test_ready(void **state) {
        EnvReadyFrame ready;

        (void)state;
        host_open_python();
        memcpy(&ready, host_last.payload, sizeof(ready));
        assert_true(ready.hexversion >= 0x03090000);
        assert_int_equal(strncmp((char *)host_last.payload + sizeof(ready), "3.", 2), 0);
        assert_int_equal(host_last.payload[host_last.header.length - 1], 0);
}

/* No usable interpreter: each answer has the reason, and the next environment works. */
static void test_broken(void **state) {
        static const struct {
                const char *text; /* a program, or NULL: */
                const char *path;
                uint64_t timeout_ns;
                const char *words;
        } rows[] = {
                {NULL, "/bin/true", SEC * 20, "exited with status 0 before it was ready"},
                {NULL, "/bin/false", SEC * 20, "exited with status 1"},
                {NULL, "/none", SEC * 20, "cannot run '/none': No such file"},
                {NULL, "/bin/cat", SEC * 20, "is no usable Python interpreter"},
                {"#!/bin/sh\nexec sleep 100\n", NULL, SEC / 4, "was not ready within 0.25 s"},
                {"#!/bin/sh\nexec sleep 100\n", NULL, 1, "was not ready within 1e-09 s"},
                {"#!/bin/sh\nkill -SEGV $$\n", NULL, SEC * 20, "was killed by signal 11"},
                {"#!/bin/sh\necho first\necho 'no libpython.so' >&2\nexit 3\n", NULL, SEC * 20,
                 "exited with status 3 before it was ready: no libpython.so"},
                {"#!/bin/sh\nprintf 'bell \\007 and latin \\374'\n", NULL, SEC * 20,
                 "before it was ready: bell   and latin ?"},
                {"#!/bin/sh\ni=0\nwhile [ $i -lt 3000 ]; do echo 'line of noise'; i=$((i+1)); "
                 "done\n"
                 "echo the last words\n",
                 NULL, SEC * 20, ": the last words"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                open_program(100 + i, rows[i].text ? program(rows[i].text) : rows[i].path,
                             rows[i].timeout_ns);
                host_expect_failure(100 + i, rows[i].words);
        }
        host_open_python();
        host_run(1, "result = 1", "1");
}

/* Without limit, as a number that wraps when it is added to a time. */
static void test_timeout_without_end(void **state) {
        (void)state;
        open_program(HOST_ENVIRONMENT, HOST_PYTHON, UINT64_MAX);
        host_expect(FRAME_ENV_READY, HOST_ENVIRONMENT);
}

static void test_preloads(void **state) {
        static const char good[] = HOST_PYTHON "\0json\0decimal";
        static const char bad[] = HOST_PYTHON "\0json\0no_such_module";

        (void)state;
        host_env_open(HOST_ENVIRONMENT, good, sizeof(good), 2, SEC * 20);
        host_expect(FRAME_ENV_READY, HOST_ENVIRONMENT);
        host_run(1, "import sys\nresult = 'decimal' in sys.modules", "true");
        host_env_open(2, bad, sizeof(bad), 2, SEC * 20);
        host_expect_failure(2, "cannot preload 'no_such_module'");
}

/* Strings that are not as announced break the protocol: the host is told, and the agent ends. */
static void test_strings(void **state) {
        static const struct {
                const char *strings;
                size_t length;
                uint32_t n;
        } rows[] = {
                {"", 0, 0},      {"/x", 2, 0}, {"/x\0y", 4, 1},       {"/x\0y", 5, 0},
                {"/x\0y", 5, 2}, {"/x", 3, 1}, {"/x", 3, UINT32_MAX}, {"/x\0\0\0", 5, 3},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                if (i > 0)
                        (void)setup(state);
                host_env_open(1, rows[i].strings, rows[i].length, rows[i].n, SEC);
                host_expect_failure(0, "ENV_OPEN with");
                host_expect_end();
                if (i + 1 < ARRAY_SIZE(rows))
                        (void)teardown(state);
        }
}

static void test_id_twice(void **state) {
        (void)state;
        host_open_python();
        open_program(HOST_ENVIRONMENT, HOST_PYTHON, SEC * 20);
        host_expect_failure(0, "an environment id was used twice");
        host_expect_end();
}

static void test_close(void **state) {
        (void)state;
        host_open_python();
        host_submit(1, "import time\ntime.sleep(1000)");
        (void)host_worker();
        host_send(frame_header(FRAME_ENV_CLOSE, HOST_ENVIRONMENT, 0), NULL);
        host_expect_failure(1, "the environment was closed");
        host_submit(2, "result = 1");
        host_expect_failure(2, "no such environment");
        host_send(frame_header(FRAME_ENV_CLOSE, 77, 0), NULL); /* unknown: nothing happens */
        host_open_python();
        host_run(3, "result = 1", "1");
}

/* A zygote that dies takes its runs with it, in words, and the next run has a new one. */
static void test_zygote_killed(void **state) {
        pid_t zygote;

        (void)state;
        host_open_python();
        for (uint64_t id = 10; id < 13; ++id) {
                host_submit(id, "import time\ntime.sleep(1000)");
                (void)host_worker();
                zygote = host_zygote();
                assert_int_equal(kill(zygote, SIGKILL), 0);
                host_expect_failure(id, "the zygote died while the run was in progress");
                host_run(100 + id, "result = 1", "1");
                assert_int_not_equal(host_zygote(), zygote);
                host_wait_idle();
        }
}

/* The same with a request in its socket that it never read. */
static void test_zygote_killed_while_deaf(void **state) {
        pid_t zygote;

        (void)state;
        host_open_python();
        zygote = host_zygote();
        assert_int_equal(kill(zygote, SIGSTOP), 0);
        host_submit(10, "result = 1");
        host_send(frame_header(FRAME_PING, 0, 0), NULL);
        host_expect(FRAME_PONG, 0); /* now the request has been handed over */
        assert_int_equal(kill(zygote, SIGKILL), 0);
        host_expect_failure(10, "the zygote died");
        host_run(11, "result = 1", "1");
}

/* Runs wait for an environment that is still starting. */
static void test_runs_wait(void **state) {
        _cleanup_(host_result_deinit) HostResult result;
        SubmitFrame submit = host_submit_default;

        (void)state;
        open_program(HOST_ENVIRONMENT, HOST_PYTHON, SEC * 20);
        for (uint64_t id = 1; id <= 3; ++id)
                host_submit(id, "result = 1");
        host_expect(FRAME_ENV_READY, HOST_ENVIRONMENT);
        for (unsigned int n = 0; n < 3;) {
                result = (HostResult){0};
                assert_true(host_receive());
                n += host_result_take(&result);
                assert_false(result.failed);
                host_result_deinit(&result);
        }
        result = (HostResult){0};

        open_program(2, program("#!/bin/sh\nread line\n"), SEC * 20); /* stdin is empty */
        submit.environment = 2;
        host_submit_with(9, submit, "");
        host_expect_failure(2, "no usable Python");
        host_expect_failure(9, "no usable Python");
}

/* Nothing else happens to an agent at rest: it must wake by itself. */
static void test_surplus_goes(void **state) {
        const uint64_t waited_ns = 1000, due_ns = waited_ns + ENVIRONMENT_EASED_NS;
        Agent agent = {.n_zygotes_max = 2};
        Environment environment = {
                .agent = &agent,
                .n_zygotes_wanted = 2,
                .waited_ns = waited_ns,
        };

        (void)state;
        list_init(&environment.zygotes);
        list_init(&environment.waiting);
        list_init(&environment.pools);
        assert_int_equal(environment_tend(&environment, due_ns - 1), due_ns);
        assert_int_equal(environment.n_zygotes_wanted, 2);
        assert_int_equal(environment_tend(&environment, due_ns), UINT64_MAX);
        assert_int_equal(environment.n_zygotes_wanted, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_ready, setup, teardown),
                cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timeout_without_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_preloads, setup, teardown),
                cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
                cmocka_unit_test_setup_teardown(test_id_twice, setup, teardown),
                cmocka_unit_test_setup_teardown(test_close, setup, teardown),
                cmocka_unit_test_setup_teardown(test_zygote_killed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_zygote_killed_while_deaf, setup, teardown),
                cmocka_unit_test_setup_teardown(test_runs_wait, setup, teardown),
                cmocka_unit_test(test_surplus_goes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
