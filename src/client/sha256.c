/* SPDX-License-Identifier: MIT */
#include <sha2.h>
#include <stdint.h>

#include "client/sha256.h"

void sha256_text(char text[static SHA256_TEXT], const void *bytes, size_t length) {
        static const char digits[] = "0123456789abcdef";
        uint8_t digest[SHA256_DIGEST_LENGTH];
        SHA2_CTX context;

        SHA256Init(&context);
        SHA256Update(&context, bytes, length);
        SHA256Final(digest, &context);
        for (size_t i = 0; i < sizeof(digest); ++i) {
                text[2 * i] = digits[digest[i] >> 4];
                text[2 * i + 1] = digits[digest[i] & 15];
        }
        text[SHA256_TEXT - 1] = '\0';
}
