/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "agent/loop.h"
#include "base/clock.h"
#include "base/failure.h"

int loop_init(Loop *loop, Failure *failure) {
        *loop = (Loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
        if (loop->epoll_fd < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make an event loop");
        return 0;
}

int loop_add(Loop *loop, LoopSource *source, int fd, uint32_t events, LoopFn fn, Failure *failure) {
        struct epoll_event event = {.events = events, .data.ptr = source};

        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot wait for a descriptor");
        *source = (LoopSource){.loop = loop, .fd = fd, .events = events, .fn = fn};
        return 0;
}

void loop_set(LoopSource *source, uint32_t events) {
        struct epoll_event event = {.events = events, .data.ptr = source};

        if (!source->loop || source->events == events)
                return;
        source->events = events;
        (void)epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event); /* is in */
}

void loop_remove(LoopSource *source) {
        Loop *loop = source->loop;

        if (!loop)
                return;
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL); /* is in */
        for (size_t i = loop->at; i < loop->n_batch; ++i)
                if (loop->batch[i].data.ptr == source)
                        loop->batch[i].data.ptr = NULL;
        source->loop = NULL;
}

/* Rounded up, so that a deadline has passed when the wait for it ends. */
static int loop_timeout_ms(uint64_t timeout_ns) {
        uint64_t ms;

        if (timeout_ns == UINT64_MAX)
                return -1;
        ms = timeout_ns / NSEC_PER_MSEC + (timeout_ns % NSEC_PER_MSEC != 0);
        return ms > 3600000 ? 3600000 : (int)ms;
}

int loop_run_once(Loop *loop, uint64_t timeout_ns) {
        int n;

        n = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, loop_timeout_ms(timeout_ns));
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        loop->n_batch = (size_t)n;
        for (loop->at = 0; loop->at < loop->n_batch; ++loop->at) {
                LoopSource *source = loop->batch[loop->at].data.ptr;

                if (source)
                        source->fn(source, loop->batch[loop->at].events);
        }
        loop->n_batch = 0;
        return 0;
}
