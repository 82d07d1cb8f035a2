/* SPDX-License-Identifier: MIT */
/* What a command says before there is an agent, with the token where the input has a T: nothing is
 * consumed that is not there, and nothing counts as an agent before one was sent. */
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "engine/bootstrap.h"

#define TOKEN_DIGITS 32
#define SIZE_MAX_IN  4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In pieces, as a stream brings it. */
static void feed(Bootstrap *bootstrap, const uint8_t *bytes, size_t length, size_t piece) {
        size_t start = 0, end = 0, consumed;
        Failure failure;

        while (end < length) {
                end = min_size(length, end + piece);
                if (bootstrap_read(bootstrap, bytes + start, end - start, &consumed, &failure))
                        return;
                if (consumed > end - start || bootstrap_is_over(bootstrap))
                        __builtin_trap();
                start += consumed;
        }
        if (bootstrap_explain(bootstrap, bytes + start, end - start, EPIPE, &failure) != -EPIPE ||
            !memchr(failure.text, '\0', sizeof(failure.text)))
                __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(bootstrap_freep) Bootstrap *bootstrap = NULL;
        uint8_t *bytes;
        size_t length = 0;
        const char *token;

        if (size < 2 || size > SIZE_MAX_IN ||
            bootstrap_new(&bootstrap, "/proc/self/exe", "fuzz", -1, NULL))
                return 0;
        token = bootstrap_program(bootstrap) + strlen("T=\"");
        bytes = malloc(size * TOKEN_DIGITS);
        for (size_t i = 1; bytes && i < size; i++) {
                if (data[i] == 'T') {
                        memcpy(bytes + length, token, TOKEN_DIGITS);
                        length += TOKEN_DIGITS;
                } else {
                        bytes[length++] = data[i];
                }
        }
        if (bytes)
                feed(bootstrap, bytes, length, 1 + data[0]);
        free(bytes);
        return 0;
}
