#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Outbox: what is to be sent over one stream, in which order
 *
 * Control frames (all but DATA) go out first, in the order they were put. Then the uploads, the
 * four parts of each request, take turns, one DATA frame each, as long as they have credit. So a
 * 64 MB input holds up neither a cancellation nor another run, and what waits lies in the
 * requests' own memory: the outbox copies two frames at a time.
 *
 * Not locked: the engine's lock guards it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buffer.h"
#include "client/blob.h"
#include "wire/frame.h"

typedef struct Outbox Outbox;
typedef struct Upload Upload;

#define OUTBOX_CONTROL_MAX (4u * 1024 * 1024) /* bytes of control frames that may wait */
#define UPLOAD_PARTS       (DATA_NAME + 1)    /* indexed by DataChannel */

enum {
        _OUTBOX_E_SUCCESS,
        OUTBOX_E_FULL, /* OUTBOX_CONTROL_MAX: the other side does not read */
};

struct Upload {
        uint64_t stream;
        Blob *parts[UPLOAD_PARTS]; /* references; NULL = empty */
        unsigned int part;         /* being sent */
        size_t offset;             /* in it */
        uint64_t credit;           /* bytes that may be sent before the next CREDIT */
        bool started, finished;    /* put into an outbox; sent to the end */
        bool queued;               /* in the outbox's ring */
        Upload *next;
};

struct Outbox {
        Buffer control; /* frames not yet in the stream's order */
        Buffer staged;  /* the next bytes of the stream */
        Upload *first, *last;
        uint64_t n_sent; /* bytes ever sent */
};

void upload_deinit(Upload *upload);

void outbox_init(Outbox *outbox);
void outbox_deinit(Outbox *outbox);
/* Returns 0, OUTBOX_E_FULL or -ENOMEM. */
int outbox_put(Outbox *outbox, const FrameHeader *header, const void *payload);
/* @upload must stay until it is finished or dropped. */
void outbox_start(Outbox *outbox, Upload *upload);
void outbox_credit(Outbox *outbox, Upload *upload, uint32_t bytes);
void outbox_drop(Outbox *outbox, Upload *upload);
/* Whether there are bytes that could be sent now. */
bool outbox_pending(const Outbox *outbox);
/* Sends what the socket takes; never blocks, never raises SIGPIPE. Returns 0 or -errno; whether
 * something is left says outbox_pending(). */
int outbox_flush(Outbox *outbox, int socket);
