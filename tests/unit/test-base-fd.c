/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

static int pair[2];

static int open_pair(void **state) {
        (void)state;
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state) {
        (void)state;
        pair[0] = fd_close(pair[0]);
        pair[1] = fd_close(pair[1]);
        return 0;
}

/* The lowest free descriptor: the same before and after where nothing leaks. */
static int next_fd(void) {
        int fd = dup(STDIN_FILENO);

        assert_int_equal(fd_close(fd), -1);
        return fd;
}

static void test_close(void **state) {
        (void)state;
        errno = ENOTTY;
        assert_int_equal(fd_close(-1), -1);
        assert_int_equal(fd_close(12345), -1); /* EBADF stays inside */
        assert_int_equal(errno, ENOTTY);
}

static void test_nonblock(void **state) {
        char byte;

        (void)state;
        assert_int_equal(fd_set_nonblock(pair[0], true), 0);
        assert_int_equal(fd_read(pair[0], &byte, 1), -EAGAIN);
        assert_int_equal(fd_set_nonblock(pair[0], false), 0);
        assert_int_equal(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
        assert_int_equal(fd_set_nonblock(-1, true), -EBADF);
}

static void test_positions(void **state) {
        int fd = memfd_create("test", MFD_CLOEXEC);
        char text[8] = "";

        (void)state;
        assert_int_equal(fd_pwrite_all(fd, "hello", 5, 3), 0);
        assert_int_equal(fd_pread_all(fd, text, 5, 3), 0);
        assert_string_equal(text, "hello");
        assert_int_equal(fd_pread_all(fd, text, 6, 3), -ENODATA);
        assert_int_equal(fd_pread_all(fd, text, 0, 100), 0);
        assert_int_equal(fd_pwrite_all(fd, "x", 1, UINT64_MAX), -EINVAL);
        assert_int_equal(fd_pread_all(-1, text, 1, 0), -EBADF);
        (void)fd_close(fd);
}

static pid_t other;

static void on_signal(int signal_number) {
        if (other == getppid())
                (void)kill(other, signal_number);
}

/* Signals without SA_RESTART, both ways, while a pipe is full or empty: every byte arrives, once.
 */
static void test_signals(void **state) {
        struct sigaction action = {.sa_handler = on_signal}, saved;
        static uint8_t bytes[1 << 20], chunk[4096];
        size_t total = 0;
        int ends[2];
        ssize_t n;

        (void)state;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        (void)sigaction(SIGUSR1, &action, &saved);
        other = fork();
        if (other == 0) {
                other = getppid();
                _exit(fd_write_all(ends[1], bytes, sizeof(bytes)) ? 1 : 0);
        }
        (void)fd_close(ends[1]);
        while ((n = fd_read(ends[0], chunk, sizeof(chunk))) > 0) {
                total += (size_t)n;
                assert_int_equal(kill(other, SIGUSR1), 0);
        }
        assert_int_equal(n, 0);
        assert_int_equal(total, sizeof(bytes));
        while (waitpid(other, NULL, 0) < 0)
                assert_int_equal(errno, EINTR);
        (void)sigaction(SIGUSR1, &saved, NULL);
        (void)fd_close(ends[0]);
}

static void test_messages(void **state) {
        int fds[3] = {-1, -1, -1}, sent[] = {pair[0], pair[1]}, before = next_fd();
        char text[8];
        size_t n_fds = 3;

        (void)state;
        assert_int_equal(fd_send_message(pair[0], "abc", 3, sent, 2), 0);
        assert_int_equal(fd_receive_message(pair[1], text, sizeof(text), fds, &n_fds), 3);
        assert_memory_equal(text, "abc", 3);
        assert_int_equal(n_fds, 2);
        assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
        (void)fd_close(fds[0]);
        (void)fd_close(fds[1]);
        assert_int_equal(next_fd(), before);

        n_fds = 3;
        assert_int_equal(fd_send_message(pair[0], "abc", 3, NULL, 0), 0);
        assert_int_equal(fd_receive_message(pair[1], text, sizeof(text), fds, &n_fds), 3);
        assert_int_equal(n_fds, 0);
}

/* What does not fit is refused, and none of its descriptors stays behind. */
static void test_messages_too_large(void **state) {
        static const struct {
                size_t length, n_sent, n_room;
                bool nowhere;
        } rows[] = {
                {9, 0, 8, false}, {9, 2, 8, false}, {8, 2, 1, false},
                {8, 1, 0, false}, {8, 1, 0, true},  {8, FD_PASS_MAX, 7, false},
        };
        int sent[FD_PASS_MAX], fds[FD_PASS_MAX], before = next_fd();
        char text[8];

        (void)state;
        for (size_t i = 0; i < FD_PASS_MAX; ++i)
                sent[i] = pair[0];
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                size_t n_fds = rows[i].n_room;

                assert_int_equal(
                        fd_send_message(pair[0], "123456789", rows[i].length, sent, rows[i].n_sent),
                        0);
                assert_int_equal(fd_receive_message(pair[1], text, sizeof(text), fds,
                                                    rows[i].nowhere ? NULL : &n_fds),
                                 -EMSGSIZE);
                assert_int_equal(next_fd(), before);
        }
        assert_int_equal(fd_send_message(pair[0], "x", 1, sent, FD_PASS_MAX + 1), -EINVAL);
}

/* The peer ends without having read all: the kernel says ECONNRESET before what is still queued. */
static void test_last_words_of_a_peer_that_did_not_listen(void **state) {
        char text[8];

        (void)state;
        assert_int_equal(fd_send_message(pair[0], "unread", 6, NULL, 0), 0);
        assert_int_equal(fd_send_message(pair[1], "last", 4, NULL, 0), 0);
        pair[1] = fd_close(pair[1]);
        assert_int_equal(fd_receive_message(pair[0], text, sizeof(text), NULL, NULL), 4);
        assert_memory_equal(text, "last", 4);
        assert_int_equal(fd_receive_message(pair[0], text, sizeof(text), NULL, NULL), 0);
}

static void test_send_to_nobody(void **state) {
        (void)state;
        pair[1] = fd_close(pair[1]);
        assert_int_equal(fd_send_message(pair[0], "x", 1, NULL, 0), -EPIPE); /* and no SIGPIPE */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_close),
                cmocka_unit_test_setup_teardown(test_nonblock, open_pair, close_pair),
                cmocka_unit_test(test_positions),
                cmocka_unit_test(test_signals),
                cmocka_unit_test_setup_teardown(test_messages, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(test_messages_too_large, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(test_last_words_of_a_peer_that_did_not_listen,
                                                open_pair, close_pair),
                cmocka_unit_test_setup_teardown(test_send_to_nobody, open_pair, close_pair),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
