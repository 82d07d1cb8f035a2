/* SPDX-License-Identifier: MIT */
/*
 * Two buffers. `staged` holds bytes in their final order, possibly cut in the middle of a frame by
 * a short send. `control` holds whole frames. Only when `staged` has run empty the two change
 * places, and DATA frames are added behind; so a frame is never split by another one, and a small
 * request (SUBMIT and its DATA) leaves in one send(2).
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "client/outbox.h"

/* How much is staged at a time: more saves system calls, less lets a CANCEL out earlier. */
#define STAGE_BYTES (2u * FRAME_PAYLOAD_MAX)
#define BUFFER_MAX  (OUTBOX_CONTROL_MAX + STAGE_BYTES + 2u * (FRAME_PAYLOAD_MAX + 64u))

/* Moves to the next part that has bytes left; false at the end. */
static bool upload_advance(Upload *upload) {
        while (upload->part < UPLOAD_PARTS &&
               upload->offset == blob_size(upload->parts[upload->part])) {
                ++upload->part;
                upload->offset = 0;
        }
        return upload->part < UPLOAD_PARTS;
}

void upload_deinit(Upload *upload) {
        for (size_t i = 0; i < UPLOAD_PARTS; ++i)
                upload->parts[i] = blob_unref(upload->parts[i]);
}

void outbox_init(Outbox *outbox) {
        *outbox = (Outbox){.first = NULL};
        buffer_init(&outbox->control, BUFFER_MAX);
        buffer_init(&outbox->staged, BUFFER_MAX);
}

void outbox_deinit(Outbox *outbox) {
        buffer_deinit(&outbox->control);
        buffer_deinit(&outbox->staged);
}

int outbox_put(Outbox *outbox, const FrameHeader *header, const void *payload) {
        size_t length = sizeof(*header) + header->length;
        uint8_t *space;
        int r;

        if (buffer_length(&outbox->control) + length > OUTBOX_CONTROL_MAX)
                return OUTBOX_E_FULL;
        r = buffer_reserve(&outbox->control, length, &space);
        if (r)
                return r < 0 ? r : OUTBOX_E_FULL;
        memcpy(space, header, sizeof(*header));
        if (header->length > 0)
                memcpy(space + sizeof(*header), payload, header->length);
        buffer_commit(&outbox->control, length);
        return 0;
}

static void outbox_enqueue(Outbox *outbox, Upload *upload) {
        if (upload->queued || upload->finished || upload->credit == 0)
                return;
        upload->queued = true;
        upload->next = NULL;
        if (outbox->last)
                outbox->last->next = upload;
        else
                outbox->first = upload;
        outbox->last = upload;
}

static Upload *outbox_dequeue(Outbox *outbox) {
        Upload *upload = outbox->first;

        outbox->first = upload->next;
        if (!outbox->first)
                outbox->last = NULL;
        upload->queued = false;
        return upload;
}

void outbox_start(Outbox *outbox, Upload *upload) {
        upload->part = 0;
        upload->offset = 0;
        upload->credit = FRAME_CREDIT_INITIAL;
        upload->started = true;
        upload->finished = false;
        outbox_enqueue(outbox, upload);
}

void outbox_credit(Outbox *outbox, Upload *upload, uint32_t bytes) {
        upload->credit += bytes;
        if (upload->started)
                outbox_enqueue(outbox, upload);
}

void outbox_drop(Outbox *outbox, Upload *upload) {
        Upload *previous = NULL;

        upload->finished = true;
        if (!upload->queued)
                return;
        for (Upload *u = outbox->first; u != upload; u = u->next)
                previous = u;
        if (previous)
                previous->next = upload->next;
        else
                outbox->first = upload->next;
        if (outbox->last == upload)
                outbox->last = previous;
        upload->queued = false;
}

bool outbox_pending(const Outbox *outbox) {
        return outbox->first || buffer_length(&outbox->control) > 0 ||
               buffer_length(&outbox->staged) > 0;
}

/* Stages one DATA frame of @upload. A request without any bytes is one empty frame, since the last
 * frame carries the end mark. */
static int outbox_stage_data(Outbox *outbox, Upload *upload) {
        bool more = upload_advance(upload);
        unsigned int part = more ? upload->part : DATA_CODE;
        const Blob *blob = upload->parts[part];
        size_t length = more ? blob->size - upload->offset : 0;
        const char *bytes = more ? blob->bytes + upload->offset : "";
        FrameHeader header;
        uint8_t *space;
        int r;

        length = min_size(length, FRAME_PAYLOAD_MAX);
        length = min_size(length, (size_t)upload->credit);
        r = buffer_reserve(&outbox->staged, sizeof(header) + length, &space);
        if (r)
                return r < 0 ? r : -ENOBUFS;
        upload->offset += length;
        upload->credit -= length;
        upload->finished = !upload_advance(upload);
        header = frame_data_header((DataChannel)part, upload->finished, upload->stream, length);
        memcpy(space, &header, sizeof(header));
        memcpy(space + sizeof(header), bytes, length);
        buffer_commit(&outbox->staged, sizeof(header) + length);
        return 0;
}

static int outbox_stage(Outbox *outbox) {
        Buffer emptied = outbox->staged;
        int r;

        outbox->staged = outbox->control;
        outbox->control = emptied;
        buffer_clear(&outbox->control);
        while (outbox->first && buffer_length(&outbox->staged) < STAGE_BYTES) {
                Upload *upload = outbox_dequeue(outbox);

                r = outbox_stage_data(outbox, upload);
                if (r)
                        return r;
                outbox_enqueue(outbox, upload);
        }
        return 0;
}

int outbox_flush(Outbox *outbox, int socket) {
        while (outbox_pending(outbox)) {
                ssize_t n;
                int r;

                if (buffer_length(&outbox->staged) == 0) {
                        r = outbox_stage(outbox);
                        if (r)
                                return r;
                }
                n = send(socket, buffer_bytes(&outbox->staged), buffer_length(&outbox->staged),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                outbox->n_sent += (uint64_t)n;
                buffer_consume(&outbox->staged, (size_t)n);
        }
        return 0;
}
