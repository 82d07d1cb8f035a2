#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * JSON writing: strings, and opaque text in another form
 *
 * Each appends to a Buffer and returns 0, BUFFER_E_FULL or -ENOMEM; on failure the buffer may hold
 * a part. The texts copied must have passed json_text_check().
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buffer.h"

/* Appends @text as a JSON string with its quotes. Only what must be is escaped; bytes that are not
 * UTF-8 become U+FFFD each. */
int json_write_string(Buffer *buffer, const char *text, size_t length);
/* Appends @json without the space between its tokens, hence on one line. */
int json_write_compact(Buffer *buffer, const char *json, size_t length);
/* Appends @json as RFC 8259 knows it: NaN, Infinity and -Infinity become null, and then *@lossyp
 * is true. */
int json_write_finite(Buffer *buffer, const char *json, size_t length, bool *lossyp);
