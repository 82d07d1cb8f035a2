/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/capture.h"
#include "base/failure.h"
#include "base/fd.h"

static Loop loop;
static RegionFile region;
static Capture capture;
static int write_fd;

static int setup_with(uint64_t cap) {
        if (loop_init(&loop, NULL) || region_file_new(&region, NULL) ||
            capture_init(&capture, &loop, &region, REGION_STDERR, &write_fd, NULL))
                return -1;
        capture.cap = cap;
        return 0;
}

static int setup(void **state) {
        (void)state;
        return setup_with(1000);
}

static int teardown(void **state) {
        (void)state;
        capture_deinit(&capture);
        capture_deinit(&capture); /* a dead one is accepted, and drains nothing */
        capture_drain(&capture);
        region_file_deinit(&region);
        (void)fd_close(write_fd);
        loop.epoll_fd = fd_close(loop.epoll_fd);
        return 0;
}

static void expect(const RegionSlice *slices, size_t n, const char *expected, size_t length) {
        for (size_t i = 0; i < n; ++i) {
                char bytes[REGION_TAIL_BYTES];

                assert_true(slices[i].length <= sizeof(bytes) && slices[i].length <= length);
                assert_int_equal(fd_pread_all(region.fd, bytes, slices[i].length, slices[i].offset),
                                 0);
                assert_memory_equal(bytes, expected, slices[i].length);
                expected += slices[i].length;
                length -= slices[i].length;
        }
        assert_int_equal(length, 0);
}

static void test_between_what_the_worker_writes(void **state) {
        RegionSlice head;

        (void)state;
        assert_int_equal(write(write_fd, "one ", 4), 4);
        assert_int_equal(loop_run_once(&loop, 0), 0);
        assert_int_equal(region_file_append(&region, REGION_STDERR, 1000, "two ", 4), 0);
        assert_int_equal(write(write_fd, "three", 5), 5);
        capture_drain(&capture);
        head = region_head(REGION_STDERR, 1000, region_file_total(&region, REGION_STDERR));
        expect(&head, 1, "one two three", 13);
        assert_int_equal(region_file_total(&region, REGION_STDOUT), 0);
}

/* A child floods the pipe: the cap holds, the last bytes are the tail, all are counted. */
static void test_flood(void **state) {
        static char bytes[5 << 20];
        RegionSlice slices[2];
        uint64_t total;
        pid_t pid;

        (void)state;
        for (size_t i = 0; i < sizeof(bytes); ++i)
                bytes[i] = (char)(i * 7 + i / 509);
        pid = fork();
        if (pid == 0)
                _exit(fd_write_all(write_fd, bytes, sizeof(bytes)) ? 1 : 0);
        write_fd = fd_close(write_fd);
        while (capture.source.loop)
                assert_int_equal(loop_run_once(&loop, UINT64_C(10000000000)), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        total = region_file_total(&region, REGION_STDERR);
        assert_int_equal(total, sizeof(bytes));
        slices[0] = region_head(REGION_STDERR, 1000, total);
        expect(slices, 1, bytes, 1000);
        expect(slices, region_tail(REGION_STDERR, 1000, total, slices),
               bytes + sizeof(bytes) - REGION_TAIL_BYTES, REGION_TAIL_BYTES);
}

/* A drain takes all that a pipe can hold, and ends also while somebody writes on. */
static void test_drain_is_bounded(void **state) {
        static char bytes[1 << 20];
        bool stop = false;
        ssize_t n;
        pid_t pid;

        (void)state;
        assert_true(fcntl(write_fd, F_SETPIPE_SZ, sizeof(bytes)) > 0);
        n = write(write_fd, bytes, sizeof(bytes));
        assert_int_equal(n, sizeof(bytes));
        capture_drain(&capture);
        assert_int_equal(region_file_total(&region, REGION_STDERR), sizeof(bytes));
        pid = fork();
        if (pid == 0)
                while (!stop)
                        stop = fd_write(write_fd, bytes, sizeof(bytes)) < 0;
        capture_drain(&capture); /* comes back */
        capture_deinit(&capture);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The end for the agent never waits; the end for the code does, as a pipe would. */
static void test_flags(void **state) {
        (void)state;
        assert_true(fcntl(capture.read_fd, F_GETFL) & O_NONBLOCK);
        assert_false(fcntl(write_fd, F_GETFL) & O_NONBLOCK);
        assert_int_equal(fcntl(write_fd, F_GETFD), FD_CLOEXEC);
        capture_drain(&capture); /* nothing there */
        assert_non_null(capture.source.loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_between_what_the_worker_writes, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
                cmocka_unit_test_setup_teardown(test_drain_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
