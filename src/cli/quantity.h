#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Quantity: a number with a unit, as people type it on a command line
 *
 * "0.5s", "250ms", "2m" are durations; "256M", "1.5GiB", "4096B" are sizes. Decimal fractions are
 * exact (no floating point); what is finer than one nanosecond or byte is cut off.
 */
#include <stdint.h>

enum {
        _QUANTITY_E_SUCCESS,
        QUANTITY_E_SYNTAX, /* not a plain decimal number, perhaps followed by a unit */
        QUANTITY_E_UNIT,   /* a number, but no unit that we know */
        QUANTITY_E_RANGE,  /* does not fit in 64 bits */
};

/* Units ns us ms s m h; a bare number is seconds. */
int quantity_parse_duration(const char *text, uint64_t *nanosecondsp);
/* Units B K M G T, each also as KB and KiB, all powers of 1024 and in either case; a bare number is
 * MiB, as in the policy's memory_limit_mb. */
int quantity_parse_size(const char *text, uint64_t *bytesp);

/* Digits alone. */
int quantity_parse_number(const char *text, uint64_t *numberp);

/* @bytes as "128 KiB" or "1.5 MiB"; @text has room for QUANTITY_TEXT_MAX. Returns @text. */
#define QUANTITY_TEXT_MAX 32
const char *quantity_format_size(uint64_t bytes, char *text);
