/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/capture.h"
#include "base/failure.h"
#include "base/fd.h"
#include "base/list.h"

#define CAPTURE_CHUNK 65536
#define CAPTURE_DRAINS                                                                             \
        32 /* chunks in a drain: more than an unprivileged pipe can be made to hold */

/* Returns whether there may be more. */
static bool capture_take(Capture *capture) {
        static uint8_t chunk[CAPTURE_CHUNK];
        ssize_t n;

        n = fd_read(capture->read_fd, chunk, sizeof(chunk));
        if (n > 0) {
                (void)region_file_append(capture->region, capture->stream, capture->cap, chunk,
                                         (size_t)n);
                return true;
        }
        if (n != -EAGAIN)
                loop_remove(&capture->source); /* every writer is gone */
        return false;
}

static void capture_ready(LoopSource *source, uint32_t events _unused_) {
        (void)capture_take(container_of(source, Capture, source));
}

int capture_init(Capture *capture,
                 Loop *loop,
                 RegionFile *region,
                 RegionStream stream,
                 int *write_fdp,
                 Failure *failure) {
        int ends[2];
        int r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make an output pipe");
        *capture = (Capture){.read_fd = ends[0], .stream = stream, .region = region};
        r = fd_set_nonblock(ends[0], true);
        if (!r)
                r = loop_add(loop, &capture->source, ends[0], EPOLLIN, capture_ready, failure);
        if (r) {
                (void)fd_close(ends[1]);
                capture_deinit(capture);
                return r;
        }
        *write_fdp = ends[1];
        return 0;
}

void capture_deinit(Capture *capture) {
        loop_remove(&capture->source);
        capture->read_fd = fd_close(capture->read_fd);
}

void capture_drain(Capture *capture) {
        if (capture->read_fd < 0)
                return;
        for (unsigned int i = 0; i < CAPTURE_DRAINS; ++i)
                if (!capture_take(capture))
                        return;
}
