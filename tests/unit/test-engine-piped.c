/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/failure.h"
#include "base/fd.h"
#include "engine/bootstrap.h"
#include "engine/piped.h"
#include "scratch.h"

/* Executed in the place of the agent, it says what it was given. */
#define AGENT "/bin/echo"

typedef struct Talk {
        uint8_t bytes[70001];
        size_t length;
        int r; /* of the first step that failed */
        Failure failure;
} Talk;

/* One turn of what a connection does. Returns false at the end. */
static bool talk_step(Talk *talk, const AgentProcess *process) {
        bool writes = bootstrap_is_pending(process->bootstrap);
        struct pollfd stream = {
                .fd = process->stream_fd,
                .events = (short)(writes ? POLLIN | POLLOUT : POLLIN),
        };
        size_t consumed;
        ssize_t n;

        assert_int_equal(poll(&stream, 1, 60000), 1);
        talk->r = bootstrap_write(process->bootstrap, process->stream_fd);
        n = fd_read(process->stream_fd, talk->bytes + talk->length,
                    sizeof(talk->bytes) - 1 - talk->length);
        if (n == 0 || (n < 0 && n != -EAGAIN)) {
                if (!bootstrap_is_over(process->bootstrap))
                        talk->r = bootstrap_explain(process->bootstrap, talk->bytes, talk->length,
                                                    EPIPE, &talk->failure);
                return false;
        }
        talk->length += n > 0 ? (size_t)n : 0;
        if (talk->r == 0)
                talk->r = bootstrap_read(process->bootstrap, talk->bytes, talk->length, &consumed,
                                         &talk->failure);
        if (talk->r)
                return false;
        talk->length -= consumed;
        memmove(talk->bytes, talk->bytes + consumed, talk->length);
        return true;
}

static void converse(const char *const *argv, bool shell_hop, Talk *talk) {
        PipedTarget target = {.argv = argv, .shell_hop = shell_hop, .agent = AGENT};
        AgentProcess process = AGENT_PROCESS_NULL;
        Transport *transport;

        *talk = (Talk){.failure = FAILURE_NULL};
        assert_int_equal(piped_transport_new(&transport, &target), 0);
        talk->r = transport->open(transport, &process, &talk->failure);
        if (talk->r == 0) {
                while (talk_step(talk, &process))
                        ;
                talk->bytes[talk->length] = '\0';
                agent_process_kill(&process);
        }
        (void)transport_free(transport);
}

static void test_commands(void **state) {
        static const char script[] = "#!/bin/sh\necho a banner; echo >&2 words; exec \"$@\"\n";
        const char *noisy = scratch_write("noisy", script);
        const char *const rows[][5] = {
                {"/usr/bin/python3", NULL},
                {"/usr/bin/python3", "-B", NULL},
                {"env", "/usr/bin/python3", NULL},
                {noisy, "/usr/bin/python3", NULL},
        };
        Talk talk;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                converse(rows[i], false, &talk);
                if (talk.r)
                        fail_msg("%s: %s", rows[i][0], talk.failure.text);
                assert_string_equal((char *)talk.bytes, "--remote --python /usr/bin/python3\n");
        }
}

/* As sshd does it: one string, for a shell. */
static void test_shell_hop(void **state) {
        const char *hop = scratch_write("hop", "#!/bin/sh\nexec sh -c \"$*\"\n");
        const char *const argv[] = {hop, "/usr/bin/python3", NULL};
        Talk talk;

        (void)state;
        converse(argv, true, &talk);
        assert_int_equal(talk.r, 0);
        assert_string_equal((char *)talk.bytes, "--remote --python /usr/bin/python3\n");
        converse(argv, false, &talk);
        assert_int_equal(talk.r, -EPIPE);
}

static void test_failures(void **state) {
        static const struct {
                const char *argv[4];
                const char *words;
        } rows[] = {
                {{"no-such-program", NULL}, "'no-such-program'"},
                {{"false", NULL}, "'false' ended before a Python answered"},
                {{"sh", "-c", "echo >&2 no route to host; exit 255", NULL},
                 "ended before a Python answered: no route to host"},
                {{"sh", "-c", "echo python3: not found", NULL},
                 "ended before a Python answered: python3: not found"},
                {{"sh", "-c", "yes", NULL}, "no Python answers 'sh -c yes', only: "},
        };
        Talk talk;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                converse(rows[i].argv, false, &talk);
                assert_true(talk.r < 0);
                if (!strstr(talk.failure.text, rows[i].words))
                        fail_msg("'%s' instead of '%s'", talk.failure.text, rows[i].words);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_commands),
                cmocka_unit_test(test_shell_hop),
                cmocka_unit_test(test_failures),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
