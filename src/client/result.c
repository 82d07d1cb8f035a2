/* SPDX-License-Identifier: MIT */
/*
 * The agent is trusted to decide, but not to be free of faults, and the texts are what the user's
 * code made of them: it may have written any bytes into its own memory. So sizes are bounded before
 * anything is allocated, and the JSON is checked before anybody recurses over it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-text.h"
#include "base/utf8.h"
#include "client/result.h"
#include "wire/region.h"

#define TEXT(channel) ((channel)-DATA_RESULT)

#define RESULT_FLAGS                                                                               \
        (RESULT_FLAG_STDOUT_TRUNCATED | RESULT_FLAG_STDERR_TRUNCATED | RESULT_FLAG_HAS_RESULT |    \
         RESULT_FLAG_HAS_ERROR | RESULT_FLAG_RESOURCE_EXCEEDED | RESULT_FLAG_HOST_NETWORK |        \
         RESULT_FLAG_REMOTE | RESULT_FLAG_CONTAINER | RESULT_FLAG_STANDBY |                        \
         RESULT_FLAG_PAGE_FAULTS)

void result_frame_sizes(const ResultFrame *frame, uint64_t sizes[static RESULT_TEXTS]) {
        sizes[TEXT(DATA_RESULT)] = frame->result_size;
        sizes[TEXT(DATA_ERROR)] = frame->error_size;
        sizes[TEXT(DATA_STDOUT)] = frame->stdout_size;
        sizes[TEXT(DATA_STDERR)] = frame->stderr_size;
        sizes[TEXT(DATA_STDOUT_TAIL)] = frame->stdout_tail_size;
        sizes[TEXT(DATA_STDERR_TAIL)] = frame->stderr_tail_size;
}

static const char *result_size_fault(const ResultFrame *frame, const SubmitFrame *submit) {
        if (frame->result_size > submit->result_bytes || frame->result_size > REGION_RESULT_MAX)
                return "a result larger than allowed";
        if (frame->error_size > REGION_ERROR_MAX)
                return "an error text larger than allowed";
        if (frame->stdout_size > submit->output_bytes || frame->stderr_size > submit->output_bytes)
                return "more output than was asked for";
        if (frame->stdout_tail_size > REGION_TAIL_BYTES ||
            frame->stderr_tail_size > REGION_TAIL_BYTES)
                return "a longer tail of output than there is";
        return NULL;
}

static const char *result_frame_fault(const ResultFrame *frame) {
        if (frame->outcome >= _OUTCOME_N)
                return "an unknown outcome";
        if (frame->killed_by >= _KILLED_BY_N)
                return "an unknown killer";
        if (frame->exit_code < 0 || frame->exit_code > 255)
                return "an exit code outside 0 to 255";
        if (frame->level >= _ISOLATION_N)
                return "an unknown isolation level";
        if (frame->flags & ~(uint32_t)RESULT_FLAGS)
                return "reserved fields set";
        if (!(frame->flags & RESULT_FLAG_PAGE_FAULTS) && frame->page_faults)
                return "page faults that nobody counted";
        if (!(frame->flags & RESULT_FLAG_HAS_RESULT) != (frame->result_size == 0))
                return "a result flag that its size belies";
        return NULL;
}

int result_frame_check(const ResultFrame *frame, const SubmitFrame *submit, Failure *failure) {
        const char *fault = result_frame_fault(frame);

        if (!fault)
                fault = result_size_fault(frame, submit);
        if (!fault)
                return 0;
        return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                           "protocol error: a RESULT frame has %s", fault);
}

int result_new(SprResult **resultp, const ResultFrame *frame) {
        uint64_t sizes[RESULT_TEXTS], total = 0;
        SprResult *result;
        char *at;

        result_frame_sizes(frame, sizes);
        for (size_t i = 0; i < RESULT_TEXTS; ++i)
                total += sizes[i] + 1;
        result = malloc(sizeof(*result) + total);
        if (!result)
                return -ENOMEM;
        result->frame = *frame;
        result->run_id = 0;
        result->queue_wait_ns = 0;
        result->bytes_in = 0;
        result->judged = false;
        result->userdata = NULL;
        at = result->storage;
        for (size_t i = 0; i < RESULT_TEXTS; ++i) {
                result->texts[i] = (ResultText){.bytes = at, .length = sizes[i]};
                at[sizes[i]] = '\0';
                at += sizes[i] + 1;
        }
        *resultp = result;
        return 0;
}

int result_new_message(SprResult **resultp,
                       Outcome outcome,
                       KilledBy killed_by,
                       int exit_code,
                       const char *error) {
        ResultFrame frame = {
                .outcome = outcome,
                .killed_by = killed_by,
                .exit_code = exit_code,
                .flags = RESULT_FLAG_HAS_ERROR,
                .error_size = (uint32_t)strlen(error),
        };
        SprResult *result;
        int r;

        r = result_new(&result, &frame);
        if (r)
                return r;
        memcpy(result_space(result, TEXT(DATA_ERROR)), error, frame.error_size);
        *resultp = result;
        return 0;
}

char *result_space(SprResult *result, size_t text) {
        return result->storage + (result->texts[text].bytes - result->storage);
}

/* The code ended well, but what it left cannot be given to anybody. */
static void result_reject(SprResult *result, const char *error) {
        result->frame.outcome = OUTCOME_ERROR;
        result->frame.exit_code = 1;
        result->frame.flags &= ~(uint32_t)RESULT_FLAG_HAS_RESULT;
        result->frame.flags |= RESULT_FLAG_HAS_ERROR;
        result->texts[TEXT(DATA_RESULT)] = (ResultText){.bytes = "", .length = 0};
        result->texts[TEXT(DATA_ERROR)] = (ResultText){.bytes = error, .length = strlen(error)};
}

void result_judge(SprResult *result) {
        const ResultText *json = &result->texts[TEXT(DATA_RESULT)];
        int r;

        if (result->judged || !(result->frame.flags & RESULT_FLAG_HAS_RESULT))
                return;
        result->judged = true;
        r = json_text_check(json->bytes, json->length, RESULT_DEPTH_MAX, NULL);
        if (r == JSON_TEXT_E_DEPTH)
                result_reject(result, "result is nested too deeply");
        else if (r)
                result_reject(result, "result is not valid JSON");
}

static bool is_continuation(char byte) {
        return ((uint8_t)byte & 0xc0) == 0x80;
}

/* How long the sequence should be that starts with @byte; 1 for a byte that starts none. */
static size_t sequence_length(char byte) {
        uint8_t b = (uint8_t)byte;

        return b >= 0xf0 && b <= 0xf4 ? 4 : b >= 0xe0 ? (b < 0xf0 ? 3 : 1) : b >= 0xc2 ? 2 : 1;
}

/* Drops a sequence that the end of the text has cut. */
static void result_cut_head(SprResult *result, size_t text) {
        ResultText *head = &result->texts[text];
        size_t back = 1;

        while (back < UTF8_SEQUENCE_MAX && back <= head->length &&
               is_continuation(head->bytes[head->length - back]))
                ++back;
        if (back > head->length || sequence_length(head->bytes[head->length - back]) <= back)
                return;
        head->length -= back;
        result_space(result, text)[head->length] = '\0';
}

/* Drops the rest of a sequence that the beginning of the text has cut. */
static void result_cut_tail(SprResult *result, size_t text) {
        ResultText *tail = &result->texts[text];
        size_t n = 0;

        while (n < UTF8_SEQUENCE_MAX - 1 && n < tail->length && is_continuation(tail->bytes[n]))
                ++n;
        tail->bytes += n;
        tail->length -= n;
}

void result_finish(SprResult *result) {
        result_judge(result);
        if (result->frame.flags & RESULT_FLAG_STDOUT_TRUNCATED) {
                result_cut_head(result, TEXT(DATA_STDOUT));
                result_cut_tail(result, TEXT(DATA_STDOUT_TAIL));
        }
        if (result->frame.flags & RESULT_FLAG_STDERR_TRUNCATED) {
                result_cut_head(result, TEXT(DATA_STDERR));
                result_cut_tail(result, TEXT(DATA_STDERR_TAIL));
        }
}

_public_ SprResult *spr_result_free(SprResult *result) {
        free(result);
        return NULL;
}
