/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "agent/link.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "base/list.h"

#define LINK_IN_MAX (256 * 1024)
#define LINK_OUT_MAX                                                                               \
        (8 * 1024 * 1024)           /* a RESULT for each of the most runs there can be, and more */
#define LINK_OUT_DATA (256 * 1024)  /* result data is added up to here */
#define LINK_OUT_STOP (1024 * 1024) /* nothing is read from the host above this */

/* Takes one frame from the front of the input. Returns 1 if there was one, 0 if it is not complete
 * yet. */
static int link_take_frame(HostLink *link, Failure *failure) {
        const uint8_t *bytes = buffer_bytes(&link->in);
        size_t length = buffer_length(&link->in);
        FrameHeader header;
        int r;

        if (length < sizeof(header))
                return 0;
        memcpy(&header, bytes, sizeof(header));
        r = frame_check(&header, SENDER_HOST, link->state, failure);
        if (r)
                return r;
        if (length - sizeof(header) < header.length)
                return 0;
        r = link->fn(link, &header, bytes + sizeof(header), failure);
        if (r)
                return r;
        buffer_consume(&link->in, sizeof(header) + header.length);
        return 1;
}

static void link_read(HostLink *link) {
        Failure failure = FAILURE_NULL;
        uint8_t *space;
        ssize_t n;
        int r;

        r = buffer_reserve(&link->in, LINK_IN_MAX - buffer_length(&link->in), &space);
        n = r ? -ENOMEM : fd_read(link->in_fd, space, LINK_IN_MAX - buffer_length(&link->in));
        if (n == -EAGAIN)
                return;
        if (n <= 0) {
                link->closed = true;
                return;
        }
        buffer_commit(&link->in, (size_t)n);
        link->heard_ns = clock_now_ns();
        do
                r = link_take_frame(link, &failure);
        while (r > 0);
        if (r < 0) {
                link_send_failure(link, 0, &failure);
                link_flush(link);
                link->closed = true;
        }
}

static void link_in_ready(LoopSource *source, uint32_t events _unused_) {
        link_read(container_of(source, HostLink, in_source));
}

static void link_out_ready(LoopSource *source, uint32_t events) {
        HostLink *link = container_of(source, HostLink, out_source);

        if (events & (EPOLLERR | EPOLLHUP))
                link->closed = true;
        /* link_flush() follows at the end of the turn */
}

int link_init(HostLink *link, Loop *loop, int in_fd, int out_fd, HostLinkFn fn, Failure *failure) {
        int r;

        *link = (HostLink){
                .in_fd = in_fd,
                .out_fd = out_fd,
                .state = WIRE_GREETING,
                .fn = fn,
                .heard_ns = clock_now_ns(),
        };
        buffer_init(&link->in, LINK_IN_MAX);
        buffer_init(&link->out, LINK_OUT_MAX);
        r = fd_set_nonblock(in_fd, true);
        if (!r)
                r = fd_set_nonblock(out_fd, true);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_AGENT, -r,
                                     "cannot use the stream to the host");
        r = loop_add(loop, &link->in_source, in_fd, EPOLLIN, link_in_ready, failure);
        if (r)
                return r;
        return loop_add(loop, &link->out_source, out_fd, 0, link_out_ready, failure);
}

void link_deinit(HostLink *link) {
        loop_remove(&link->in_source);
        loop_remove(&link->out_source);
        buffer_deinit(&link->in);
        buffer_deinit(&link->out);
}

int link_send(HostLink *link, FrameHeader header, const void *payload) {
        uint8_t *space;
        int r;

        r = buffer_reserve(&link->out, sizeof(header) + header.length, &space);
        if (r) {
                link->closed = true; /* the host does not read, or there is no memory */
                return -ENOMEM;
        }
        memcpy(space, &header, sizeof(header));
        if (header.length > 0)
                memcpy(space + sizeof(header), payload, header.length);
        buffer_commit(&link->out, sizeof(header) + header.length);
        return 0;
}

void link_send_failure(HostLink *link, uint64_t stream, const Failure *failure) {
        (void)link_send(link, frame_header(FRAME_FAILURE, stream, sizeof(*failure)), failure);
}

bool link_has_room(const HostLink *link) {
        return !link->closed && buffer_length(&link->out) < LINK_OUT_DATA;
}

uint8_t *link_reserve_data(HostLink *link, size_t length) {
        uint8_t *space;

        if (buffer_reserve(&link->out, sizeof(FrameHeader) + length, &space)) {
                link->closed = true;
                return NULL;
        }
        return space + sizeof(FrameHeader);
}

void link_commit_data(HostLink *link, FrameHeader header) {
        memcpy(link->out.data + link->out.end, &header, sizeof(header));
        buffer_commit(&link->out, sizeof(header) + header.length);
}

void link_flush(HostLink *link) {
        while (buffer_length(&link->out) > 0) {
                ssize_t n =
                        fd_write(link->out_fd, buffer_bytes(&link->out), buffer_length(&link->out));

                if (n == -EAGAIN)
                        break;
                if (n < 0) {
                        link->closed = true;
                        return;
                }
                buffer_consume(&link->out, (size_t)n);
        }
        loop_set(&link->out_source, buffer_length(&link->out) > 0 ? EPOLLOUT : 0);
        loop_set(&link->in_source, buffer_length(&link->out) < LINK_OUT_STOP ? EPOLLIN : 0);
}
