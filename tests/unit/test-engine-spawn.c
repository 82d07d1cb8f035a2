/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/spawn.h"

/* Runs a shell script with these descriptors; all that it writes to @read_fd's other end. */
static const char *
answer_of(const char *script, const int *fds, size_t n_fds, int read_fd, int write_fd) {
        static char answer[4096];
        char name[] = "sh", option[] = "-c", text[1024], variable[] = "WORD=here";
        char *argv[] = {name, option, text, NULL}, *environment[] = {variable, NULL};
        SpawnOrder order = {
                .program = "sh", .argv = argv, .environment = environment, .n_fds = n_fds};
        size_t length = 0;
        int status;
        ssize_t n;
        pid_t pid;

        memcpy(text, script, strlen(script) + 1);
        memcpy(order.fds, fds, n_fds * sizeof(*fds));
        assert_int_equal(spawn_session(&order, &pid), 0);
        (void)fd_close(write_fd);
        while ((n = fd_read(read_fd, answer + length, sizeof(answer) - 1 - length)) > 0)
                length += (size_t)n;
        answer[length] = '\0';
        (void)fd_close(read_fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return answer;
}

/* By name in PATH, with the environment it is given, in a session of its own. */
static void test_process(void **state) {
        int pair[2], fds[3] = {SPAWN_FD_KEPT};

        (void)state;
        assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
        fds[1] = fds[2] = pair[1];
        assert_string_equal(answer_of("echo $WORD; read a b c d e f rest < /proc/self/stat; "
                                      "[ $a = $f ] || echo \"$f leads\"; echo out >&2",
                                      fds, 3, pair[0], pair[1]),
                            "here\nout\n");
}

/* Descriptors that lie where others are to go, twice the same one, and one that nobody meant. */
static void test_descriptors(void **state) {
        int pair[2], stray, fds[4];

        (void)state;
        assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
        stray = fcntl(pair[0], F_DUPFD, 9); /* without close-on-exec */
        fds[0] = SPAWN_FD_KEPT;
        fds[1] = pair[1];
        fds[2] = STDERR_FILENO;
        fds[3] = pair[1];
        assert_string_equal(answer_of("echo three >&3; [ -e /proc/self/fd/9 ] && echo stray; "
                                      "echo one",
                                      fds, 4, pair[0], pair[1]),
                            "three\none\n");
        (void)fd_close(stray);
}

static void test_no_program(void **state) {
        char name[] = "no-such-program";
        char *argv[] = {name, NULL};
        SpawnOrder order = {.program = name, .argv = argv, .environment = argv + 1};
        pid_t pid;

        (void)state;
        if (getenv("UNDER_VALGRIND"))
                return; /* it plays vfork() by fork(), and the child cannot tell us */
        assert_int_equal(spawn_session(&order, &pid), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_process),
                cmocka_unit_test(test_descriptors),
                cmocka_unit_test(test_no_program),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
