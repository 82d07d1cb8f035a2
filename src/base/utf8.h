#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * UTF-8: checking and encoding, strict as in RFC 3629
 *
 * No overlong forms, no surrogates, nothing above U+10FFFF.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define UTF8_SEQUENCE_MAX 4

/* The length of the well-formed sequence at the start of @bytes, 0 where there is none. */
size_t utf8_sequence(const void *bytes, size_t length);
/* The number of leading bytes that are UTF-8: @length where all are. */
size_t utf8_span(const void *bytes, size_t length);
/* Writes one character and returns its length; 0 for a surrogate or a number above U+10FFFF. */
size_t utf8_encode(uint32_t character, char out[static UTF8_SEQUENCE_MAX]);
