#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Decimal: the numbers in files of /proc
 *
 * Not strtoul(3): glibc 2.38 gives it another name, which older ones lack, and worker.so must load
 * in all of them.
 */
#include <stdbool.h>
#include <stdint.h>

/* Takes blanks and a number from the front of *@textp and moves it behind. False where there is
 * none. What does not fit wraps. */
static inline bool decimal_take(const char **textp, uint64_t *numberp) {
        const char *text = *textp;
        uint64_t number = 0;

        while (*text == ' ' || *text == '\t')
                ++text;
        if (*text < '0' || *text > '9')
                return false;
        for (; *text >= '0' && *text <= '9'; ++text)
                number = number * 10 + (uint64_t)(*text - '0');
        *textp = text;
        *numberp = number;
        return true;
}
