#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Packets: frames on a SOCK_SEQPACKET socket, one message each
 *
 * Between agent, zygote and worker no message needs more than PACKET_PAYLOAD_MAX bytes: what is
 * large lies in the region. Both calls are async-signal-safe.
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "wire/frame.h"

typedef struct Packet Packet;

#define PACKET_PAYLOAD_MAX 4096

struct Packet {
        FrameHeader header;
        uint8_t payload[PACKET_PAYLOAD_MAX];
};

/* Returns 0 or -errno; -EAGAIN on a non-blocking socket that is full. */
int packet_send(int socket,
                FrameType type,
                uint64_t stream,
                const void *payload,
                size_t length,
                const int *fds,
                size_t n_fds);

/* Receives one packet and holds it against the table. Descriptors as with fd_receive_message().
 * Returns 1; 0 at the end of the stream; -EPROTO with words in @failure (and no descriptor kept);
 * another -errno, -EAGAIN among them. */
int packet_receive(int socket,
                   Packet *packet,
                   FrameSender sender,
                   WireState state,
                   int *fds,
                   size_t *n_fdsp,
                   Failure *failure);
