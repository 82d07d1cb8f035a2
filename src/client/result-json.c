/* SPDX-License-Identifier: MIT */
/*
 * The object is written in order, straight into one buffer: the result is opaque text and can hold
 * what no JSON library keeps (integers of any size, lone surrogates), so it is copied, not parsed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json-write.h"
#include "client/result.h"

/* Every byte of the texts may become six ("\u0000"). */
#define JSON_MAX (UINT64_C(8) * 256 * 1024 * 1024)

typedef struct Writer {
        Buffer buffer;
        int r; /* the first error; then nothing more is written */
} Writer;

static void writer_deinit(Writer *writer) {
        buffer_deinit(&writer->buffer);
}

static void write_raw(Writer *writer, const char *text) {
        if (!writer->r)
                writer->r = buffer_append(&writer->buffer, text, strlen(text));
}

static void write_string(Writer *writer, const char *text, size_t length) {
        if (!writer->r)
                writer->r = json_write_string(&writer->buffer, text, length);
}

/* "key": with its comma, unless it is the first one of its object. */
static void write_key(Writer *writer, const char *key) {
        const uint8_t *bytes = buffer_bytes(&writer->buffer);
        size_t length = buffer_length(&writer->buffer);

        write_raw(writer, length > 0 && bytes[length - 1] == '{' ? "\"" : ", \"");
        write_raw(writer, key);
        write_raw(writer, "\": ");
}

static void write_text(Writer *writer, const char *key, const char *text, size_t length) {
        write_key(writer, key);
        write_string(writer, text, length);
}

static void write_name(Writer *writer, const char *key, const char *name) {
        write_key(writer, key);
        if (name)
                write_string(writer, name, strlen(name));
        else
                write_raw(writer, "null");
}

static void write_boolean(Writer *writer, const char *key, bool value) {
        write_key(writer, key);
        write_raw(writer, value ? "true" : "false");
}

static void write_number(Writer *writer, const char *key, uint64_t value) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
        write_key(writer, key);
        write_raw(writer, text);
}

/* Milliseconds, to the microsecond; by integers, since printf() of a double heeds the locale. */
static void write_ms(Writer *writer, const char *key, uint64_t ns) {
        uint64_t us = ns / NSEC_PER_USEC;
        char text[48];

        (void)snprintf(text, sizeof(text), "%llu.%03llu", (unsigned long long)(us / 1000),
                       (unsigned long long)(us % 1000));
        write_key(writer, key);
        write_raw(writer, text);
}

static void write_result(Writer *writer, const SprResult *result, bool *lossyp) {
        _cleanup_(buffer_deinitp) Buffer finite;
        size_t length;
        const char *json = spr_result_get_json(result, &length);

        buffer_init(&finite, JSON_MAX);
        write_key(writer, "result");
        if (!json) {
                write_raw(writer, "null");
                return;
        }
        if (!writer->r)
                writer->r = json_write_finite(&finite, json, length, lossyp);
        if (!writer->r)
                writer->r = json_write_compact(&writer->buffer, (const char *)buffer_bytes(&finite),
                                               buffer_length(&finite));
}

static void write_reference(Writer *writer, const SprResult *result, bool *lossyp) {
        size_t n_out, n_err;
        const char *out = spr_result_get_stdout(result, &n_out);
        const char *err = spr_result_get_stderr(result, &n_err);

        write_boolean(writer, "ok", spr_result_get_ok(result));
        write_result(writer, result, lossyp);
        write_text(writer, "stdout", out, n_out);
        write_text(writer, "stderr", err, n_err);
        write_boolean(writer, "timed_out", spr_result_get_timed_out(result));
        write_boolean(writer, "resource_exceeded", spr_result_get_resource_exceeded(result));
        write_name(writer, "error", spr_result_get_error(result));
        write_number(writer, "exit_code", (uint64_t)spr_result_get_exit_code(result));
}

static void write_usage(Writer *writer, const SprResult *result) {
        uint64_t cpu_ns = spr_result_get_cpu_user_ns(result) + spr_result_get_cpu_system_ns(result);

        write_key(writer, "usage");
        write_raw(writer, "{");
        write_ms(writer, "wall_ms", spr_result_get_wall_ns(result));
        write_ms(writer, "cpu_ms", cpu_ns);
        write_ms(writer, "queue_wait_ms", spr_result_get_queue_wait_ns(result));
        write_number(writer, "peak_memory_bytes", spr_result_get_peak_memory_bytes(result));
        write_number(writer, "stdout_bytes", spr_result_get_stdout_total(result));
        write_number(writer, "stderr_bytes", spr_result_get_stderr_total(result));
        write_raw(writer, "}");
}

static void write_truncated(Writer *writer, const SprResult *result) {
        size_t n_out, n_err;
        const char *out = spr_result_get_stdout_tail(result, &n_out);
        const char *err = spr_result_get_stderr_tail(result, &n_err);

        write_key(writer, "truncated");
        write_raw(writer, "{");
        write_boolean(writer, "stdout", spr_result_get_stdout_truncated(result));
        write_boolean(writer, "stderr", spr_result_get_stderr_truncated(result));
        write_raw(writer, "}");
        if (spr_result_get_stdout_truncated(result))
                write_text(writer, "stdout_tail", out, n_out);
        if (spr_result_get_stderr_truncated(result))
                write_text(writer, "stderr_tail", err, n_err);
}

static void write_isolation(Writer *writer, const SprResult *result) {
        const char *layer;

        write_key(writer, "isolation");
        write_raw(writer, "{");
        write_name(writer, "level", spr_result_get_isolation_level(result));
        write_key(writer, "layers");
        write_raw(writer, "[");
        for (size_t i = 0; (layer = spr_result_get_layer(result, i)); ++i) {
                write_raw(writer, i > 0 ? ", " : "");
                write_string(writer, layer, strlen(layer));
        }
        write_raw(writer, "]");
        write_name(writer, "network", spr_result_get_network(result));
        write_name(writer, "where", spr_result_get_where(result));
        write_raw(writer, "}");
}

_public_ int spr_result_to_json(const SprResult *result, char **jsonp) {
        _cleanup_(writer_deinit) Writer writer = {.r = 0};
        bool lossy = false;
        size_t length;
        char *json;

        buffer_init(&writer.buffer, JSON_MAX);
        write_raw(&writer, "{");
        write_reference(&writer, result, &lossy);
        write_name(&writer, "outcome", spr_result_get_outcome_name(result));
        write_name(&writer, "killed_by", spr_result_get_killed_by(result));
        write_usage(&writer, result);
        write_truncated(&writer, result);
        write_isolation(&writer, result);
        write_number(&writer, "run_id", spr_result_get_run_id(result));
        if (lossy)
                write_boolean(&writer, "result_lossy", true);
        write_raw(&writer, "}");
        if (writer.r)
                return writer.r < 0 ? writer.r : -EFBIG;
        json = buffer_steal(&writer.buffer, &length);
        if (!json)
                return -ENOMEM;
        *jsonp = json;
        return 0;
}
