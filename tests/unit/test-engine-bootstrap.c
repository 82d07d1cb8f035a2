/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "engine/bootstrap.h"
#include "scratch.h"
#include "wire/frame.h"

#define AGENT "an agent"

typedef struct Fixture {
        Bootstrap *bootstrap;
        char token[33];
        char machine[65];
        int stderr_fd; /* the command's end */
        Failure failure;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        struct utsname here;
        int pair[2];

        assert_non_null(fixture);
        assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
        fixture->stderr_fd = pair[1];
        assert_int_equal(bootstrap_new(&fixture->bootstrap, scratch_write("agent", AGENT), "ssh h",
                                       pair[0], &fixture->failure),
                         0);
        memcpy(fixture->token, bootstrap_program(fixture->bootstrap) + strlen("T=\""), 32);
        assert_int_equal(uname(&here), 0);
        (void)snprintf(fixture->machine, sizeof(fixture->machine), "%s", here.machine);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void)bootstrap_free(fixture->bootstrap);
        (void)fd_close(fixture->stderr_fd);
        free(fixture);
        return 0;
}

/* With TOKEN and MACHINE in @text replaced. */
static int say(Fixture *fixture, const char *text, size_t *consumedp) {
        char bytes[512] = "";
        size_t length = 0;

        for (; *text; text++) {
                const char *word = text[0] == 'T'   ? fixture->token
                                   : text[0] == 'M' ? fixture->machine
                                                    : NULL;

                length += (size_t)snprintf(bytes + length, sizeof(bytes) - length, "%.*s",
                                           word ? 64 : 1, word ? word : text);
        }
        return bootstrap_read(fixture->bootstrap, (const uint8_t *)bytes, length, consumedp,
                              &fixture->failure);
}

/* Takes what is sent, as long as there is something. */
static void take(Fixture *fixture, char *bytes, size_t size) {
        int pair[2];
        ssize_t n;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        while (bootstrap_is_pending(fixture->bootstrap))
                assert_int_equal(bootstrap_write(fixture->bootstrap, pair[0]), 0);
        (void)fd_close(pair[0]);
        n = fd_read(pair[1], bytes, size - 1);
        bytes[n > 0 ? n : 0] = '\0';
        (void)fd_close(pair[1]);
}

static void test_all_is_well(void **state) {
        Fixture *fixture = *state;
        const uint8_t frame[] = {FRAME_WELCOME};
        size_t consumed;
        char sent[64];

        assert_int_equal(say(fixture, "some words of the day\nT M 30b07f0 cpy", &consumed), 0);
        assert_int_equal(consumed, 0);
        assert_false(bootstrap_is_pending(fixture->bootstrap));
        assert_int_equal(say(fixture, "words\nT M 30b07f0 cpython 2f70\n", &consumed), 0);
        assert_int_equal(consumed,
                         strlen("words\n 30b07f0 cpython 2f70\n ") + 32 + strlen(fixture->machine));
        assert_false(bootstrap_has_sent(fixture->bootstrap));
        take(fixture, sent, sizeof(sent));
        assert_string_equal(sent, "0000000000000008" AGENT);
        assert_true(bootstrap_has_sent(fixture->bootstrap));
        assert_false(bootstrap_is_over(fixture->bootstrap));
        assert_int_equal(bootstrap_read(fixture->bootstrap, frame, sizeof(frame), &consumed,
                                        &fixture->failure),
                         0);
        assert_int_equal(consumed, 0);
        assert_true(bootstrap_is_over(fixture->bootstrap));
}

static void test_refusals(void **state) {
        static const struct {
                const char *text, *words;
        } rows[] = {
                {"T M 3080100 cpython 2f70\n",
                 "'ssh h' leads to Python 3.8.1: CPython 3.9 or later is needed"},
                {"T M 30a0d00 pypy 2f70\n",
                 "'ssh h' leads to pypy: CPython 3.9 or later is needed"},
                {"T M 30b07f0 cpython -\n", "'ssh h' leads to a Python that does not know where it "
                                            "is: CPython 3.9 or later is needed"},
                {"T sparc64 30b07f0 cpython 2f70\n",
                 "the machine that 'ssh h' leads to is of type sparc64, and there is no agent"},
                {"T ../../x 30b07f0 cpython 2f70\n", "something else than a Python's report"},
                {"T \n", "something else than a Python's report"},
                {"T M\n", "something else than a Python's report"},
                {"T M 30b07f0xx cpython 2f70\n", "something else than a Python's report"},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fixture *fixture = *state;
                size_t consumed;

                assert_true(say(fixture, rows[i].text, &consumed) < 0);
                if (!strstr(fixture->failure.text, rows[i].words))
                        fail_msg("'%s' instead of '%s'", fixture->failure.text, rows[i].words);
        }
}

/* However it comes in, nothing is judged before it is whole, and nothing grows for ever. */
static void test_noise(void **state) {
        Fixture *fixture = *state;
        size_t size = BOOTSTRAP_NOISE_MAX + 1, consumed;
        uint8_t *noise = malloc(size);

        assert_non_null(noise);
        memset(noise, 'x', size);
        for (size_t length = 0; length < size; length += 4096) {
                assert_int_equal(bootstrap_read(fixture->bootstrap, noise, length, &consumed,
                                                &fixture->failure),
                                 0);
                assert_int_equal(consumed, 0);
        }
        assert_int_equal(
                bootstrap_read(fixture->bootstrap, noise, size, &consumed, &fixture->failure),
                -EPROTO);
        assert_non_null(strstr(fixture->failure.text, "no Python answers 'ssh h', only: xxx"));
        free(noise);
}

static void test_not_executed(void **state) {
        Fixture *fixture = *state;
        size_t consumed;
        char sent[64];

        assert_int_equal(say(fixture, "T M 30b07f0 cpython 2f70\n", &consumed), 0);
        take(fixture, sent, sizeof(sent));
        assert_int_equal(say(fixture, "T failed memory: no", &consumed), 0);
        assert_int_equal(say(fixture, "T failed memory: not allowed\n", &consumed), -EACCES);
        assert_non_null(strstr(fixture->failure.text, "nothing lets 'ssh h' execute the agent"));
        assert_non_null(strstr(fixture->failure.text, "memory: not allowed"));
}

/* A command that ends says why on its standard error, else where a Python should have answered. */
static void test_last_words(void **state) {
        Fixture *fixture = *state;
        const uint8_t noise[] = "sh: python3: not found\r\n";
        const char *words = "ssh: no route\tto host\n";

        assert_int_equal(bootstrap_explain(fixture->bootstrap, noise, sizeof(noise) - 1, EPIPE,
                                           &fixture->failure),
                         -EPIPE);
        assert_string_equal(fixture->failure.text, "'ssh h' ended before a Python answered: sh: "
                                                   "python3: not found");
        assert_int_equal(fd_write(fixture->stderr_fd, words, strlen(words)), strlen(words));
        assert_int_equal(bootstrap_explain(fixture->bootstrap, NULL, 0, EPIPE, &fixture->failure),
                         -EPIPE);
        assert_string_equal(fixture->failure.text,
                            "'ssh h' ended before a Python answered: ssh: no route to host");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_all_is_well, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
                cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
                cmocka_unit_test_setup_teardown(test_not_executed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_last_words, setup, teardown),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
