/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json-write.h"
#include "base/json-writer.h"

void json_writer_init(JsonWriter *writer, size_t max) {
        writer->r = 0;
        buffer_init(&writer->buffer, max);
}

void json_writer_deinit(JsonWriter *writer) {
        buffer_deinit(&writer->buffer);
}

void json_writer_raw(JsonWriter *writer, const char *text) {
        if (!writer->r)
                writer->r = buffer_append(&writer->buffer, text, strlen(text));
}

void json_writer_key(JsonWriter *writer, const char *key) {
        const uint8_t *bytes = buffer_bytes(&writer->buffer);
        size_t length = buffer_length(&writer->buffer);

        json_writer_raw(writer, length > 0 && bytes[length - 1] == '{' ? "\"" : ", \"");
        json_writer_raw(writer, key);
        json_writer_raw(writer, "\": ");
}

void json_writer_value(JsonWriter *writer, const char *text, size_t length) {
        if (!text)
                json_writer_raw(writer, "null");
        else if (!writer->r)
                writer->r = json_write_string(&writer->buffer, text, length);
}

void json_writer_text(JsonWriter *writer, const char *key, const char *text, size_t length) {
        json_writer_key(writer, key);
        json_writer_value(writer, text, length);
}

void json_writer_string(JsonWriter *writer, const char *key, const char *text) {
        json_writer_text(writer, key, text, text ? strlen(text) : 0);
}

void json_writer_boolean(JsonWriter *writer, const char *key, bool value) {
        json_writer_key(writer, key);
        json_writer_raw(writer, value ? "true" : "false");
}

void json_writer_number(JsonWriter *writer, const char *key, uint64_t value) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%" PRIu64, value);
        json_writer_key(writer, key);
        json_writer_raw(writer, text);
}

/* By integers, since printf() of a double heeds the locale. */
void json_writer_ms(JsonWriter *writer, const char *key, uint64_t ns) {
        uint64_t us = ns / NSEC_PER_USEC;
        char text[48];

        (void)snprintf(text, sizeof(text), "%" PRIu64 ".%03u", us / 1000,
                       (unsigned int)(us % 1000));
        json_writer_key(writer, key);
        json_writer_raw(writer, text);
}

int json_writer_end(JsonWriter *writer, char **jsonp) {
        size_t length;
        char *json;

        if (writer->r)
                return writer->r < 0 ? writer->r : -EFBIG;
        json = buffer_steal(&writer->buffer, &length);
        if (!json)
                return -ENOMEM;
        *jsonp = json;
        return 0;
}
