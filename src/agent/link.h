#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Link: the frames to and from the host, over one byte stream
 *
 * Frames to send are collected and written once per turn of the loop. Nothing here grows without
 * bound: reading stops while the host does not take what we have for it, and result data is only
 * added while link_has_room().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/loop.h"
#include "base/buffer.h"
#include "wire/frame.h"

typedef struct HostLink HostLink;
/* Called for each frame that frame_check() let pass. < 0 closes the link. */
typedef int (*HostLinkFn)(HostLink *link,
                          const FrameHeader *header,
                          const uint8_t *payload,
                          Failure *failure);

struct HostLink {
        LoopSource in_source, out_source;
        int in_fd, out_fd; /* may be one socket; not owned */
        Buffer in, out;
        WireState state;
        HostLinkFn fn;
        uint64_t heard_ns; /* when the host last said something */
        bool closed;       /* the host is gone or broke the protocol: the agent ends */
};

int link_init(HostLink *link, Loop *loop, int in_fd, int out_fd, HostLinkFn fn, Failure *failure);
void link_deinit(HostLink *link);

/* Queues a frame; -ENOMEM closes the link, so the result may be ignored. */
int link_send(HostLink *link, FrameHeader header, const void *payload);
void link_send_failure(HostLink *link, uint64_t stream, const Failure *failure);
/* Whether result data may be added now. */
bool link_has_room(const HostLink *link);
/* Room for one DATA payload, to be filled by the caller and followed by link_commit(). */
uint8_t *link_reserve_data(HostLink *link, size_t length);
void link_commit_data(HostLink *link, FrameHeader header);
/* Writes what it can; call once per turn. */
void link_flush(HostLink *link);
