/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "agent/probe.h"
#include "base/fd.h"
#include "child.h"

/* These the kernel refuses nobody. */
static void test_always_there(void **state) {
        static const Layer layers[] = {LAYER_CAPABILITIES, LAYER_NO_NEW_PRIVS, LAYER_RLIMITS,
                                       LAYER_UNDUMPABLE};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(layers); ++i) {
                ProbeAnswer answer;

                probe_layer(layers[i], &answer);
                assert_int_equal(answer.state, PROBE_OK);
                assert_int_equal(answer.error, 0);
                assert_string_equal(answer.detail, "");
        }
}

/* What is tried is tried in a child: nothing of it stays. */
static void test_leaves_nothing(void **state) {
        int dumpable = prctl(PR_GET_DUMPABLE);

        (void)state;
        for (unsigned int i = 0; i < _LAYER_N; ++i) {
                ProbeAnswer answer;

                probe_layer((Layer)i, &answer);
                assert_true(answer.state < _PROBE_STATE_N);
                assert_true(answer.state != PROBE_MISSING || answer.detail[0]);
        }
        assert_int_equal(prctl(PR_GET_DUMPABLE), dumpable);
        assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
        assert_int_equal(prctl(PR_GET_SECCOMP), 0);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_uid_of_a_user(void **state) {
        ProbeAnswer answer;

        (void)state;
        probe_layer(LAYER_UID, &answer);
        assert_int_equal(answer.state, geteuid() == 0 ? PROBE_OK : PROBE_INAPPLICABLE);
}

/* The whole program: a line for each layer, in order, four fields each. */
static void test_lines(void **state) {
        _cleanup_(closep) int read_fd = -1;
        char text[16384];
        const char *line = text;
        size_t n = 0;
        int pair[2];
        ssize_t r;
        pid_t pid;

        (void)state;
        assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
        read_fd = pair[0];
        pid = fork();
        if (pid == 0)
                _exit(probe_main(pair[1]));
        (void)close(pair[1]);
        while ((r = fd_read(read_fd, text + n, sizeof(text) - 1 - n)) > 0)
                n += (size_t)r;
        text[n] = '\0';
        child_wait(pid);
        for (unsigned int i = 0; i < _LAYER_N; ++i) {
                const char *end = strchr(line, '\n'), *at = line;
                const char *name = layer_name(i);

                assert_non_null(end);
                assert_memory_equal(line, name, strlen(name));
                for (int tabs = 0; tabs < 3; ++tabs) {
                        at = strchr(at, '\t');
                        assert_true(at && at++ < end);
                }
                line = end + 1;
        }
        assert_string_equal(line, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_always_there),
                cmocka_unit_test(test_leaves_nothing),
                cmocka_unit_test(test_uid_of_a_user),
                cmocka_unit_test(test_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
