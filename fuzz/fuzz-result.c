/* SPDX-License-Identifier: MIT */
/*
 * What libspr makes of a RESULT frame and the DATA that follows it: whatever passes is within what
 * was asked for, and every reader of it gets well-formed text.
 *
 * The input is the frame, but for its sizes, which follow from the DATA: for each frame its flags,
 * its length and its bytes. The first byte says whether the sizes are the input's after all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json-text.h"
#include "client/request.h"
#include "client/run.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void want(bool condition) {
        if (!condition)
                __builtin_trap();
}

/* Calls @fn for each DATA frame that the input holds. Returns 0, or the first refusal. */
typedef int (*DataFn)(void *context, const FrameHeader *header, const uint8_t *payload);

static int each_data(const uint8_t *data, size_t size, DataFn fn, void *context) {
        int r = 0;

        for (size_t at = 0, length; !r && at + 2 <= size; at += 2 + length) {
                FrameHeader header;

                length = min_size(data[at + 1], size - at - 2);
                header = frame_header(FRAME_DATA, 1, length);
                header.flags = data[at];
                if (frame_check(&header, SENDER_AGENT_TO_HOST, WIRE_OPEN, NULL))
                        continue; /* the connection would not pass it on */
                r = fn(context, &header, data + at + 2);
        }
        return r;
}

static int count(void *context, const FrameHeader *header, const uint8_t *payload) {
        ResultFrame *frame = context;

        (void)payload;
        switch (header->flags & ~FRAME_FLAG_END) {
        case DATA_RESULT:
                frame->result_size += header->length;
                break;
        case DATA_ERROR:
                frame->error_size += header->length;
                break;
        case DATA_STDOUT:
                frame->stdout_size += header->length;
                break;
        case DATA_STDERR:
                frame->stderr_size += header->length;
                break;
        case DATA_STDOUT_TAIL:
                frame->stdout_tail_size += header->length;
                break;
        case DATA_STDERR_TAIL:
                frame->stderr_tail_size += header->length;
                break;
        default:
                break;
        }
        return 0;
}

static void set_sizes(ResultFrame *frame, const uint8_t *data, size_t size) {
        frame->result_size = frame->stdout_size = frame->stderr_size = 0;
        frame->error_size = frame->stdout_tail_size = frame->stderr_tail_size = 0;
        (void)each_data(data, size, count, frame);
        frame->flags &= ~(uint32_t)RESULT_FLAG_HAS_RESULT;
        if (frame->result_size)
                frame->flags |= RESULT_FLAG_HAS_RESULT;
}

static int receive(void *context, const FrameHeader *header, const uint8_t *payload) {
        SprRun *run = context;

        if (run_result_complete(run))
                return 1; /* the engine would have finished it */
        return run_result_data(run, header, payload, NULL);
}

static void read_result(const SprResult *result, const SprRun *run) {
        const ResultText *json = &result->texts[0];
        char *all;

        want(json->length <= run->submit.result_bytes);
        for (size_t i = 0; i < RESULT_TEXTS; ++i)
                want(result->texts[i].bytes[result->texts[i].length] == '\0');
        if (result->frame.flags & RESULT_FLAG_HAS_RESULT)
                want(json_text_check(json->bytes, json->length, RESULT_DEPTH_MAX, NULL) == 0);
        want(spr_result_to_json(result, &all) == 0);
        want(json_text_check(all, strlen(all), RESULT_DEPTH_MAX + 8, NULL) == 0);
        free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        SprRequest *request;
        ResultFrame frame;
        SprRun *run;

        if (size < 1 + sizeof(frame))
                return 0;
        memcpy(&frame, data + 1, sizeof(frame));
        want(spr_request_new(&request) == 0);
        want(run_new(&run, request, NULL) == 0);
        if (!(data[0] & 1))
                set_sizes(&frame, data + 1 + sizeof(frame), size - 1 - sizeof(frame));
        if (run_result_begin(run, &frame, NULL) == 0 && !run->error &&
            each_data(data + 1 + sizeof(frame), size - 1 - sizeof(frame), receive, run) >= 0 &&
            run_result_complete(run)) {
                run_finish(run);
                want(run->result != NULL);
                result_finish(run->result);
                read_result(run->result, run);
        }
        (void)run_unref(run);
        (void)spr_request_free(request);
        return 0;
}
