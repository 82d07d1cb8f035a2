#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Result: what a run came to
 *
 * Made when the RESULT frame has been held against what was asked for, with room for exactly the
 * texts it announces, then filled by the DATA frames, then finished: from there on it is immutable
 * and the caller's.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/failure.h"
#include "spr/spr.h"
#include "wire/frame.h"
#include "wire/messages.h"
#include "wire/outcome.h"

typedef struct ResultText ResultText;

/* Deeper results cannot be read by CPython's json, whose recursion ends at 1000. */
#define RESULT_DEPTH_MAX 900

/* The exit code of OUTCOME_INFRA. */
#define RESULT_EXIT_INFRA     125
#define RESULT_EXIT_ISOLATION 126 /* the run was refused: it would not be confined as demanded */

/* Texts are indexed by DataChannel - DATA_RESULT. */
#define RESULT_TEXTS (DATA_STDERR_TAIL - DATA_RESULT + 1)

struct ResultText {
        const char *bytes; /* NUL-terminated; into the storage, or static */
        size_t length;
};

struct SprResult {
        ResultFrame frame;
        uint64_t run_id;
        uint64_t queue_wait_ns;
        uint64_t bytes_in; /* code and input */
        bool judged;       /* by result_judge() */
        void *userdata;
        ResultText texts[RESULT_TEXTS];
        char storage[];
};

/* Holds a RESULT frame against the SUBMIT it answers: 0, or -EPROTO with the lie in @failure. */
int result_frame_check(const ResultFrame *frame, const SubmitFrame *submit, Failure *failure);
/* The announced size of each text. */
void result_frame_sizes(const ResultFrame *frame, uint64_t sizes[static RESULT_TEXTS]);

/* Room for the texts of a checked frame. Returns 0 or -ENOMEM. */
int result_new(SprResult **resultp, const ResultFrame *frame);
/* A result without a run: outcome, exit code and words of our own. Returns 0 or -ENOMEM. */
int result_new_message(
        SprResult **resultp, Outcome outcome, KilledBy killed_by, int exit_code, const char *error);
/* Where the bytes of a text go. */
char *result_space(SprResult *result, size_t text);
/* Whether the JSON is one decides the outcome. Takes time by the size. */
void result_judge(SprResult *result);
/* Does that if nobody has, and cuts the streams at UTF-8 boundaries. Takes time by the size, so it
 * is for the thread that receives the result, without a lock. */
void result_finish(SprResult *result);

DEFINE_CLEANUP(SprResult *, spr_result_free)
