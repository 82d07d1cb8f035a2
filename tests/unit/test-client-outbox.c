/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "client/outbox.h"

typedef struct Fixture {
        Outbox outbox;
        int pair[2];
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture->pair) < 0)
                return -1;
        outbox_init(&fixture->outbox);
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        outbox_deinit(&fixture->outbox);
        (void)fd_close(fixture->pair[0]);
        (void)fd_close(fixture->pair[1]);
        free(fixture);
        return 0;
}

static void upload_fill(Upload *upload, uint64_t stream, const size_t sizes[static UPLOAD_PARTS]) {
        *upload = (Upload){.stream = stream};
        for (size_t i = 0; i < UPLOAD_PARTS; ++i) {
                char *bytes = malloc(sizes[i] + 1);

                assert_non_null(bytes);
                for (size_t k = 0; k < sizes[i]; ++k)
                        bytes[k] = (char)('a' + i);
                if (sizes[i] > 0)
                        assert_int_equal(blob_new(&upload->parts[i], bytes, sizes[i]), 0);
                free(bytes);
        }
}

/* Takes one frame from the other end; its payload is dropped. */
static FrameHeader take(Fixture *fixture) {
        static uint8_t payload[FRAME_PAYLOAD_MAX];
        FrameHeader header;
        size_t done = 0;

        assert_int_equal(recv(fixture->pair[1], &header, sizeof(header), MSG_WAITALL),
                         sizeof(header));
        while (done < header.length) {
                ssize_t n;

                assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
                n = recv(fixture->pair[1], payload + done, header.length - done, 0);
                assert_true(n > 0);
                done += (size_t)n;
        }
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        return header;
}

static void assert_quiet(Fixture *fixture) {
        char byte;

        assert_int_equal(recv(fixture->pair[1], &byte, 1, MSG_DONTWAIT), -1);
        assert_false(outbox_pending(&fixture->outbox));
}

/* SUBMIT and its DATA leave in one piece, parts in order, empty ones left out, the last marked. */
static void test_small_request(void **state) {
        Fixture *fixture = *state;
        FrameHeader submit = frame_header(FRAME_CANCEL, 5, 0);
        uint8_t bytes[512];
        Upload upload;
        ssize_t n;

        upload_fill(&upload, 5, (size_t[]){3, 0, 2, 1});
        assert_int_equal(outbox_put(&fixture->outbox, &submit, NULL), 0);
        outbox_start(&fixture->outbox, &upload);
        assert_true(outbox_pending(&fixture->outbox));
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        assert_false(outbox_pending(&fixture->outbox));
        n = recv(fixture->pair[1], bytes, sizeof(bytes), 0);
        assert_int_equal(n, 4 * sizeof(FrameHeader) + 6);
        assert_int_equal(fixture->outbox.n_sent, n);
        assert_memory_equal(bytes + 2 * sizeof(FrameHeader), "aaa", 3);
        assert_memory_equal(bytes + 3 * sizeof(FrameHeader) + 3, "cc", 2);
        assert_memory_equal(bytes + 4 * sizeof(FrameHeader) + 5, "d", 1);
        assert_int_equal(bytes[sizeof(FrameHeader) + 1], DATA_CODE);
        assert_int_equal(bytes[3 * sizeof(FrameHeader) + 5 + 1], DATA_NAME | FRAME_FLAG_END);
        assert_true(upload.finished);
        upload_deinit(&upload);
}

static void test_empty_request_has_an_end(void **state) {
        Fixture *fixture = *state;
        FrameHeader header;
        Upload upload;

        upload_fill(&upload, 5, (size_t[]){0, 0, 0, 0});
        outbox_start(&fixture->outbox, &upload);
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        header = take(fixture);
        assert_int_equal(header.length, 0);
        assert_int_equal(header.flags, DATA_CODE | FRAME_FLAG_END);
        assert_quiet(fixture);
}

static void test_credit(void **state) {
        Fixture *fixture = *state;
        size_t total = 0, size = 3 * FRAME_CREDIT_INITIAL;
        FrameHeader header = {.flags = 0};
        Upload upload;

        upload_fill(&upload, 5, (size_t[]){0, size, 0, 0});
        outbox_start(&fixture->outbox, &upload);
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        while (total < FRAME_CREDIT_INITIAL)
                total += take(fixture).length;
        assert_int_equal(total, FRAME_CREDIT_INITIAL);
        assert_quiet(fixture);
        outbox_credit(&fixture->outbox, &upload, 10);
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        assert_int_equal(take(fixture).length, 10);
        assert_quiet(fixture);
        outbox_credit(&fixture->outbox, &upload, UINT32_MAX);
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        for (total += 10; total < size; total += header.length)
                header = take(fixture);
        assert_int_equal(total, size);
        assert_true(header.flags & FRAME_FLAG_END);
        assert_quiet(fixture);
        outbox_credit(&fixture->outbox, &upload, 10); /* late, of no use */
        assert_false(outbox_pending(&fixture->outbox));
        upload_deinit(&upload);
}

/* A large upload holds up neither a small one nor a control frame for more than what is staged. */
static void test_turns(void **state) {
        Fixture *fixture = *state;
        FrameHeader cancel = frame_header(FRAME_CANCEL, 9, 0), header;
        size_t n_before_small = 0, n_before_cancel = 0;
        Upload large, small;

        upload_fill(&large, 5, (size_t[]){FRAME_CREDIT_INITIAL, 0, 0, 0});
        upload_fill(&small, 6, (size_t[]){4, 0, 0, 0});
        outbox_start(&fixture->outbox, &large);
        outbox_start(&fixture->outbox, &small);
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        assert_int_equal(outbox_put(&fixture->outbox, &cancel, NULL), 0);
        while ((header = take(fixture)).stream != 6)
                ++n_before_small;
        while ((header = take(fixture)).stream != 9)
                ++n_before_cancel;
        assert_int_equal(n_before_small, 1);
        assert_true(n_before_cancel < 8); /* socket buffer and stage, not the rest */
        assert_false(large.finished);
        while (!large.finished || outbox_pending(&fixture->outbox))
                (void)take(fixture);
        upload_deinit(&large);
        upload_deinit(&small);
}

static void test_drop(void **state) {
        Fixture *fixture = *state;
        Upload uploads[3];

        for (size_t i = 0; i < 3; ++i) {
                upload_fill(&uploads[i], 5 + i, (size_t[]){1, 0, 0, 0});
                outbox_start(&fixture->outbox, &uploads[i]);
        }
        outbox_drop(&fixture->outbox, &uploads[1]);
        outbox_drop(&fixture->outbox, &uploads[2]);
        outbox_drop(&fixture->outbox, &uploads[2]);
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        assert_int_equal(take(fixture).stream, 5);
        assert_quiet(fixture);
        outbox_start(&fixture->outbox, &uploads[1]); /* from the beginning again */
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        assert_int_equal(take(fixture).stream, 6);
        for (size_t i = 0; i < 3; ++i)
                upload_deinit(&uploads[i]);
}

static void test_control_is_bounded(void **state) {
        static const uint8_t payload[FRAME_PAYLOAD_MAX];
        Fixture *fixture = *state;
        FrameHeader header = frame_header(FRAME_ENV_OPEN, 1, sizeof(payload));
        size_t n = 0;
        int r;

        while (!(r = outbox_put(&fixture->outbox, &header, payload)))
                ++n;
        assert_int_equal(r, OUTBOX_E_FULL);
        assert_int_equal(n, OUTBOX_CONTROL_MAX / (sizeof(payload) + sizeof(header)));
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), 0);
        assert_true(outbox_pending(&fixture->outbox)); /* the socket is full, nothing blocked */
}

static void test_closed_peer(void **state) {
        Fixture *fixture = *state;
        FrameHeader header = frame_header(FRAME_CANCEL, 1, 0);

        fixture->pair[1] = fd_close(fixture->pair[1]);
        assert_int_equal(outbox_put(&fixture->outbox, &header, NULL), 0);
        assert_int_equal(outbox_flush(&fixture->outbox, fixture->pair[0]), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_small_request), TEST(test_empty_request_has_an_end),
                TEST(test_credit),        TEST(test_turns),
                TEST(test_drop),          TEST(test_control_is_bounded),
                TEST(test_closed_peer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
