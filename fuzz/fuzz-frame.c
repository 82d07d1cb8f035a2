/* SPDX-License-Identifier: MIT */
/* Any header, sender and state: no payload is let in that is larger than a frame may be. */
#include <string.h>

#include "base/failure.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FrameHeader header;
        Failure failure;
        unsigned int sender, state;

        if (size < sizeof(header) + 2)
                return 0;
        memcpy(&header, data, sizeof(header));
        sender = 1u << data[sizeof(header)] % 6;
        state = 1u << data[sizeof(header) + 1] % 4;
        if (frame_check(&header, (FrameSender)sender, (WireState)state, &failure) == 0 &&
            header.length > FRAME_PAYLOAD_MAX)
                __builtin_trap();
        return 0;
}
