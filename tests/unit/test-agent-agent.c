/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent-host.h"
#include "child.h"

/* Code that leaves a child and a daemon behind, and goes on. All hold the write end of fd 1. */
static const char breeder[] = "import os, time\n"
                              "if os.fork() == 0: time.sleep(1000)\n"
                              "if os.fork() == 0:\n"
                              "    os.setsid()\n"
                              "    if os.fork() == 0: time.sleep(1000)\n"
                              "    os._exit(0)\n"
                              "time.sleep(1000)";

static int setup_kind(bool nested) {
        host_start_kind(nested);
        host_hello();
        host_open_python();
        return 0;
}

static int setup_flat(void **state) {
        (void)state;
        return setup_kind(false);
}

static int close_host(void **state) {
        (void)state;
        host_fd = fd_close(host_fd);
        if (child_lacks_pidfds()) /* the test was skipped */
                host_expect_gone();
        return 0;
}

/* Only a pidfd ends a run for certain. */
static void start_breeding(void) {
        SubmitFrame submit = host_submit_default;

        if (child_lacks_pidfds())
                child_skip(CHILD_ON_VALGRIND);
        submit.flags = SUBMIT_FLAG_PROCESSES;
        host_submit_with(1, submit, breeder);
        while (host_child_of(host_worker(), "spr-zygote", -1) < 0)
                ;
}

static void test_goodbye_leaves_nothing(void **state) {
        (void)state;
        start_breeding();
        host_send(frame_header(FRAME_GOODBYE, 0, 0), NULL);
        host_expect_end();
        host_expect_gone();
}

static void test_end_of_stream_leaves_nothing(void **state) {
        (void)state;
        start_breeding();
        host_fd = fd_close(host_fd);
        host_expect_gone();
}

static void test_sigterm_leaves_nothing(void **state) {
        (void)state;
        start_breeding();
        assert_int_equal(kill(host_agent, SIGTERM), 0);
        host_expect_gone();
}

static void test_sigkill_leaves_nothing(void **state) {
        (void)state;
        start_breeding();
        assert_int_equal(kill(host_agent, SIGKILL), 0);
        host_expect_gone();
}

/* The end of a run ends what it has started, also where a zygote that was killed left it behind. */
static void test_end_of_run_leaves_nothing(void **state) {
        pid_t zygote = host_zygote();

        (void)state;
        start_breeding();
        host_cancel(1);
        do
                assert_true(host_receive());
        while (host_last.header.type != FRAME_DATA);
        while (host_child_of(zygote, "spr-zygote", -1) > 0)
                ;
        host_run(2, "result = 1", "1");
}

static void test_environment_closed_leaves_nothing(void **state) {
        (void)state;
        start_breeding();
        host_send(frame_header(FRAME_ENV_CLOSE, HOST_ENVIRONMENT, 0), NULL);
        host_expect_failure(1, "closed");
        while (host_child_of(host_agent, "spr-zygote", -1) > 0)
                ;
}

/* The host is a process that dies with the stream still held by another. */
static void test_host_pidfd(void **state) {
        int host_pidfd;
        pid_t host;

        (void)state;
        if (child_lacks_pidfds())
                child_skip(CHILD_ON_VALGRIND);
        host = fork();
        if (host == 0)
                for (;;)
                        (void)pause();
        host_pidfd = (int)syscall(SYS_pidfd_open, host, 0u);
        host_start_watched(host_pidfd, true);
        (void)close(host_pidfd);
        host_hello();
        assert_int_equal(kill(host, SIGKILL), 0);
        host_expect_end();
        host_expect_gone();
}

/* As many at once as the zygote can serve, and every one gets its own answer. */
static void test_many_at_once(void **state) {
        enum {
                N = 60
        };
        unsigned int n_done = 0;
        bool right[N] = {false};

        (void)state;
        for (unsigned int i = 0; i < N; ++i) {
                char code[64];

                (void)snprintf(code, sizeof(code), "result = %u", 1000 + i);
                host_submit(1 + i, code);
        }
        while (n_done < N) {
                char text[16];

                assert_true(host_receive());
                assert_int_not_equal(host_last.header.type, FRAME_FAILURE);
                if (host_last.header.type != FRAME_DATA)
                        continue;
                (void)snprintf(text, sizeof(text), "%u",
                               999 + (unsigned int)host_last.header.stream);
                assert_string_equal((char *)host_last.payload, text);
                right[host_last.header.stream - 1] = true;
                ++n_done;
        }
        for (unsigned int i = 0; i < N; ++i)
                assert_true(right[i]);
}

static size_t count_fds(const char *path) {
        size_t n = 0;
        DIR *fds;

        fds = opendir(path);
        while (fds && readdir(fds))
                ++n;
        (void)closedir(fds);
        return n;
}

/* The agent's descriptors when its standbys are made and its workers gone: no change for long. */
static size_t settled_fds(const char *path) {
        size_t n = count_fds(path);

        for (unsigned int same = 0; same < 2000; ++same) {
                size_t now;

                host_send(frame_header(FRAME_PING, 0, 0), NULL);
                host_expect(FRAME_PONG, 0);
                now = count_fds(path);
                same = now == n ? same : 0;
                n = now;
        }
        return n;
}

static void run_by_standby(uint64_t id) {
        _cleanup_(host_result_deinit) HostResult result;

        host_submit_with(id, host_submit_default, "result = 1");
        host_result(id, &result);
        assert_int_equal(result.frame.outcome, OUTCOME_OK);
}

/* Nothing is left of a run that is over: the agent holds what it held before, but for a standby
 * that a busy machine has not made in time, or has. */
static void test_no_leak(void **state) {
        enum {
                FIRST = 4,
                LAST = 40
        };
        pid_t agent = host_child_of(host_agent, "test-agent-agen", -1);
        char path[64];
        size_t before;

        (void)state;
        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)(agent > 0 ? agent : host_agent));
        for (uint64_t id = 1; id < FIRST; ++id)
                run_by_standby(id);
        before = settled_fds(path);
        for (uint64_t id = FIRST; id <= LAST; ++id)
                run_by_standby(id);
        assert_true(settled_fds(path) <= before + (LAST - FIRST) / 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_goodbye_leaves_nothing, host_setup,
                                                close_host),
                cmocka_unit_test_setup_teardown(test_goodbye_leaves_nothing, setup_flat,
                                                close_host),
                cmocka_unit_test_setup_teardown(test_end_of_stream_leaves_nothing, host_setup,
                                                close_host),
                cmocka_unit_test_setup_teardown(test_end_of_stream_leaves_nothing, setup_flat,
                                                close_host),
                cmocka_unit_test_setup_teardown(test_sigterm_leaves_nothing, host_setup,
                                                close_host),
                cmocka_unit_test_setup_teardown(test_sigterm_leaves_nothing, setup_flat,
                                                close_host),
                cmocka_unit_test_setup_teardown(test_sigkill_leaves_nothing, host_setup,
                                                close_host),
                cmocka_unit_test_setup_teardown(test_end_of_run_leaves_nothing, host_setup,
                                                host_teardown),
                cmocka_unit_test_setup_teardown(test_end_of_run_leaves_nothing, setup_flat,
                                                host_teardown),
                cmocka_unit_test_setup_teardown(test_environment_closed_leaves_nothing, host_setup,
                                                host_teardown),
                cmocka_unit_test_setup_teardown(test_environment_closed_leaves_nothing, setup_flat,
                                                host_teardown),
                cmocka_unit_test(test_host_pidfd),
                cmocka_unit_test_setup_teardown(test_many_at_once, host_setup, host_teardown),
                cmocka_unit_test_setup_teardown(test_no_leak, host_setup, host_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
