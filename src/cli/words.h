#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Words: what spr itself says, as against what the user's code prints
 *
 * Every line starts with "spr: " and goes to stderr in one write, so that it never mixes with the
 * code's output. Control characters are replaced: an error message may quote hostile text.
 */
#include <stdbool.h>

#include "base/attr.h"

typedef struct Words Words;

struct Words {
        int fd;      /* where they go: stderr */
        bool colour; /* on a terminal, and NO_COLOR is unset */
        bool quiet;  /* notes are dropped, errors are not */
};

/* Something that --quiet leaves out: progress, truncation, how a run ended. */
void words_note(const Words *words, const char *format, ...) _printf_(2, 3);
/* Why there was no run. */
void words_error(const Words *words, const char *format, ...) _printf_(2, 3);
