/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/failure.h"
#include "base/fd.h"
#include "wire/packet.h"

int packet_send(int socket,
                FrameType type,
                uint64_t stream,
                const void *payload,
                size_t length,
                const int *fds,
                size_t n_fds) {
        Packet packet;

        assert(length <= PACKET_PAYLOAD_MAX);
        packet.header = frame_header(type, stream, length);
        if (length > 0)
                memcpy(packet.payload, payload, length);
        return fd_send_message(socket, &packet, sizeof(packet.header) + length, fds, n_fds);
}

static int packet_check(const Packet *packet,
                        size_t length,
                        FrameSender sender,
                        WireState state,
                        Failure *failure) {
        if (length < sizeof(packet->header) ||
            length != sizeof(packet->header) + packet->header.length)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: a packet and its header differ in length");
        return frame_check(&packet->header, sender, state, failure);
}

int packet_receive(int socket,
                   Packet *packet,
                   FrameSender sender,
                   WireState state,
                   int *fds,
                   size_t *n_fdsp,
                   Failure *failure) {
        ssize_t n;
        int r;

        n = fd_receive_message(socket, packet, sizeof(*packet), fds, n_fdsp);
        if (n <= 0)
                return (int)n;
        r = packet_check(packet, (size_t)n, sender, state, failure);
        if (r) {
                for (size_t i = 0; n_fdsp && i < *n_fdsp; ++i)
                        (void)fd_close(fds[i]);
                return r;
        }
        return 1;
}
