/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

static bool utf8_continues(uint8_t byte) {
        return (byte & 0xc0) == 0x80;
}

/* The second byte carries all that the first one leaves open: overlong forms, surrogates and
 * numbers above U+10FFFF. */
static bool utf8_second_fits(uint8_t first, uint8_t second) {
        switch (first) {
        case 0xe0:
                return second >= 0xa0 && second <= 0xbf;
        case 0xed:
                return second >= 0x80 && second <= 0x9f;
        case 0xf0:
                return second >= 0x90 && second <= 0xbf;
        case 0xf4:
                return second >= 0x80 && second <= 0x8f;
        default:
                return utf8_continues(second);
        }
}

size_t utf8_sequence(const void *bytes, size_t length) {
        const uint8_t *b = bytes;
        size_t expected;

        if (length == 0)
                return 0;
        if (b[0] < 0x80)
                return 1;
        if (b[0] < 0xc2 || b[0] > 0xf4)
                return 0;
        expected = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
        if (length < expected || !utf8_second_fits(b[0], b[1]))
                return 0;
        for (size_t i = 2; i < expected; ++i)
                if (!utf8_continues(b[i]))
                        return 0;
        return expected;
}

size_t utf8_span(const void *bytes, size_t length) {
        const uint8_t *b = bytes;
        size_t at = 0;

        while (at < length) {
                size_t step = utf8_sequence(b + at, length - at);

                if (step == 0)
                        break;
                at += step;
        }
        return at;
}

size_t utf8_encode(uint32_t character, char out[static UTF8_SEQUENCE_MAX]) {
        if (character < 0x80) {
                out[0] = (char)character;
                return 1;
        }
        if (character < 0x800) {
                out[0] = (char)(0xc0 | character >> 6);
                out[1] = (char)(0x80 | (character & 0x3f));
                return 2;
        }
        if (character < 0x10000) {
                if (character >= 0xd800 && character < 0xe000)
                        return 0;
                out[0] = (char)(0xe0 | character >> 12);
                out[1] = (char)(0x80 | (character >> 6 & 0x3f));
                out[2] = (char)(0x80 | (character & 0x3f));
                return 3;
        }
        if (character > 0x10ffff)
                return 0;
        out[0] = (char)(0xf0 | character >> 18);
        out[1] = (char)(0x80 | (character >> 12 & 0x3f));
        out[2] = (char)(0x80 | (character >> 6 & 0x3f));
        out[3] = (char)(0x80 | (character & 0x3f));
        return 4;
}
