/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/zygote-process.h"
#include "base/failure.h"
#include "base/fd.h"
#include "wire/messages.h"
#include "wire/packet.h"

/* Waits for the first packet: its type, or 0 at the end. */
static unsigned int first_packet(const ZygoteProcess *process, Packet *packet) {
        struct pollfd polled = {.fd = process->control_fd, .events = POLLIN};
        int r;

        assert_int_equal(poll(&polled, 1, 30000), 1);
        r = packet_receive(process->control_fd, packet, SENDER_ZYGOTE, WIRE_GREETING, NULL, NULL,
                           NULL);
        assert_true(r >= 0);
        return r ? packet->header.type : 0;
}

static void test_starts(void **state) {
        static const struct {
                const char *python, *preload;
                unsigned int type; /* of the first packet */
                const char *words; /* in its failure */
        } rows[] = {
                {"/bin/true", NULL, 0, NULL},
                {"/nonexistent/python", NULL, FRAME_ZYGOTE_FAILURE,
                 "cannot run '/nonexistent/python': No such file"},
                {"/etc/passwd", NULL, FRAME_ZYGOTE_FAILURE, "Permission denied"},
                {"/", NULL, FRAME_ZYGOTE_FAILURE, "Permission denied"},
                {"", NULL, FRAME_ZYGOTE_FAILURE, "No such file"},
                {"/usr/bin/python3", NULL, FRAME_ZYGOTE_READY, NULL},
                {"/usr/bin/python3", "json.decoder", FRAME_ZYGOTE_READY, NULL},
                {"/usr/bin/python3", "no_such_module_at_all", FRAME_ZYGOTE_FAILURE,
                 "cannot preload 'no_such_module_at_all'"},
                {"/usr/bin/python3", "-c", FRAME_ZYGOTE_FAILURE, "cannot preload '-c'"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                ZygoteProcess process = ZYGOTE_PROCESS_NULL;
                Failure failure = FAILURE_NULL;
                ZygoteOrder order = {0};
                ZygoteReadyFrame ready;
                pid_t pid;
                Packet packet;
                int status;

                order.python = rows[i].python;
                order.preloads = &rows[i].preload;
                order.n_preloads = rows[i].preload ? 1 : 0;
                assert_int_equal(zygote_process_start(&process, &order, &failure), 0);
                pid = process.pid;
                assert_int_equal(first_packet(&process, &packet), rows[i].type);
                if (rows[i].words) {
                        memcpy(&failure, packet.payload, sizeof(failure));
                        if (!strstr(failure.text, rows[i].words))
                                fail_msg("'%s' lacks '%s'", failure.text, rows[i].words);
                } else if (rows[i].type == FRAME_ZYGOTE_READY) {
                        memcpy(&ready, packet.payload, sizeof(ready));
                        assert_true(ready.hexversion >= 0x03090000);
                        assert_int_equal(ready.n_threads, 1);
                        assert_int_equal(strncmp((char *)packet.payload + sizeof(ready), "3.", 2),
                                         0);
                        assert_int_equal(packet.payload[packet.header.length - 1], 0);
                }
                zygote_process_kill(&process);
                assert_int_equal(process.pid, -1);
                assert_int_equal(waitpid(pid, &status, 0), pid);
        }
}

static void test_fds(void **state) {
        const ZygoteOrder order = {.python = "/bin/true"};
        ZygoteProcess process = ZYGOTE_PROCESS_NULL;
        int status, before = dup(0);
        pid_t pid;

        (void)state;
        (void)close(before);
        assert_int_equal(zygote_process_start(&process, &order, NULL), 0);
        pid = process.pid;
        assert_true(fcntl(process.control_fd, F_GETFL) & O_NONBLOCK);
        assert_int_equal(fcntl(process.control_fd, F_GETFD), FD_CLOEXEC);
        assert_true(fcntl(process.words_fd, F_GETFL) & O_NONBLOCK);
        zygote_process_kill(&process);
        zygote_process_kill(&process); /* a dead one is accepted */
        assert_int_equal(waitpid(pid, &status, 0), pid);
        status = dup(0);
        assert_int_equal(status, before); /* nothing was left open */
        (void)close(status);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_starts),
                cmocka_unit_test(test_fds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
