/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "engine/venv-lock.h"
#include "scratch.h"

/* Lets the lock go as soon as the waiting one says that it waits. */
typedef struct Holder {
        int fd;
        const char *directory; /* to be removed as well, NULL: not */
        unsigned int n_lines;
} Holder;

static void release(void *userdata, const char *line) {
        Holder *holder = userdata;

        assert_non_null(strstr(line, "waiting for another process"));
        ++holder->n_lines;
        if (holder->directory) {
                assert_int_equal(directory_clear(holder->directory, NULL, NULL), 0);
                assert_int_equal(rmdir(holder->directory), 0);
        }
        holder->fd = fd_close(holder->fd);
}

static void test_directory_is_made(void **state) {
        const char *directory = scratch_path("a/venv");
        Failure failure = FAILURE_NULL;
        bool created = false;
        int fd = -1;

        (void)state;
        assert_int_equal(venv_lock(directory, NULL, NULL, &created, &fd, &failure), 0);
        assert_true(created);
        assert_true(scratch_exists("a/venv/" VENV_LOCK_NAME));
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        (void)fd_close(fd);
        assert_int_equal(venv_lock(directory, NULL, NULL, &created, &fd, &failure), 0);
        assert_false(created);
        (void)fd_close(fd);
}

static void test_wait_is_told(void **state) {
        const char *directory = scratch_path("venv");
        Holder holder = {.fd = -1};
        Failure failure = FAILURE_NULL;
        bool created = false;
        int fd = -1;

        (void)state;
        assert_int_equal(venv_lock(directory, NULL, NULL, &created, &holder.fd, &failure), 0);
        assert_int_equal(venv_lock(directory, release, &holder, &created, &fd, &failure), 0);
        assert_int_equal(holder.n_lines, 1);
        assert_false(created);
        (void)fd_close(fd);
}

/* A lock on a directory that was removed meanwhile locks nothing. */
static void test_vanished_directory_is_made_again(void **state) {
        const char *directory = scratch_path("venv");
        Holder holder = {.fd = -1, .directory = directory};
        Failure failure = FAILURE_NULL;
        bool created = false;
        int fd = -1;

        (void)state;
        assert_int_equal(venv_lock(directory, NULL, NULL, &created, &holder.fd, &failure), 0);
        assert_int_equal(venv_lock(directory, release, &holder, &created, &fd, &failure), 0);
        assert_true(created);
        assert_true(scratch_exists("venv/" VENV_LOCK_NAME));
        (void)fd_close(fd);
}

static void on_alarm(int signal_number) {
        (void)signal_number;
}

static void test_signal_ends_the_wait(void **state) {
        const struct itimerval timer = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000};
        const struct itimerval off = {.it_value.tv_usec = 0};
        const struct sigaction action = {.sa_handler = on_alarm};
        const char *directory = scratch_path("venv");
        Failure failure = FAILURE_NULL;
        int held_fd = -1, fd = -1;
        bool created = false;

        (void)state;
        assert_int_equal(venv_lock(directory, NULL, NULL, &created, &held_fd, &failure), 0);
        assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
        assert_int_equal(venv_lock(directory, NULL, NULL, &created, &fd, &failure),
                         VENV_LOCK_E_INTERRUPTED);
        assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
        assert_int_equal(fd, -1);
        (void)fd_close(held_fd);
}

/* The death of the holder frees it. */
static void test_dead_holder(void **state) {
        const char *directory = scratch_path("venv");
        Failure failure = FAILURE_NULL;
        bool created = false;
        int fd = -1, status;
        pid_t pid = fork();

        (void)state;
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)venv_lock(directory, NULL, NULL, &created, &fd, &failure);
                (void)raise(SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(venv_lock(directory, NULL, NULL, &created, &fd, &failure), 0);
        (void)fd_close(fd);
}

static void test_link_is_refused(void **state) {
        Failure failure = FAILURE_NULL;
        bool created = false;
        int fd = -1;

        (void)state;
        (void)scratch_write("venv/x", "");
        assert_int_equal(symlink("x", scratch_path("venv/" VENV_LOCK_NAME)), 0);
        assert_int_equal(venv_lock(scratch_path("venv"), NULL, NULL, &created, &fd, &failure),
                         -ELOOP);
        assert_non_null(strstr(failure.text, "cannot lock '"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_directory_is_made, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_wait_is_told, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_vanished_directory_is_made_again,
                                                scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_signal_ends_the_wait, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_dead_holder, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_link_is_refused, scratch_setup,
                                                scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
