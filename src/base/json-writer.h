#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * JSON writer: one object on one line, member by member
 *
 * The first error stays in @r, and nothing more is written then: a sequence of calls is checked
 * once, at its end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buffer.h"

typedef struct JsonWriter JsonWriter;

struct JsonWriter {
        Buffer buffer;
        int r; /* 0, BUFFER_E_FULL or -ENOMEM */
};

void json_writer_init(JsonWriter *writer, size_t max);
void json_writer_deinit(JsonWriter *writer);

/* Text of JSON, as it is. */
void json_writer_raw(JsonWriter *writer, const char *text);
/* "key": with its comma, unless it is the first one of its object. */
void json_writer_key(JsonWriter *writer, const char *key);
/* A value: a string with its quotes, or null for NULL. */
void json_writer_value(JsonWriter *writer, const char *text, size_t length);
/* Members. */
void json_writer_text(JsonWriter *writer, const char *key, const char *text, size_t length);
void json_writer_string(JsonWriter *writer, const char *key, const char *text);
void json_writer_boolean(JsonWriter *writer, const char *key, bool value);
void json_writer_number(JsonWriter *writer, const char *key, uint64_t value);
/* Nanoseconds as milliseconds, to the microsecond. */
void json_writer_ms(JsonWriter *writer, const char *key, uint64_t ns);
/* Gives the text to the caller. Returns 0, -EFBIG or -ENOMEM. Free *jsonp with free(). */
int json_writer_end(JsonWriter *writer, char **jsonp);
