/* SPDX-License-Identifier: MIT */
/* The agent against a host that sends anything, in pieces of any size: frames, the table of
 * requests, the books about environments and runs. Nobody speaks for its zygotes. */
#include "fuzz-agent.h"

static void host_says(const uint8_t *data, size_t size) {
        static uint8_t answers[65536];

        if (fd_write(fuzz.host_fd, data, size) < 0)
                return;
        fuzz_agent_turn();
        while (recv(fuzz.host_fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
                ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        fuzz_agent_open();
        for (size_t at = 1, n; at < size && !fuzz.agent.link.closed; at += n) {
                n = min_size(size - at, data[0] + 1u);
                host_says(data + at, n);
        }
        fuzz_agent_close();
        return 0;
}
