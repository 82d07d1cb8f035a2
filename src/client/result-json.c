/* SPDX-License-Identifier: MIT */
/*
 * The object is written in order, straight into one buffer: the result is opaque text and can hold
 * what no JSON library keeps (integers of any size, lone surrogates), so it is copied, not parsed.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/json-write.h"
#include "base/json-writer.h"
#include "client/result-json.h"
#include "client/result.h"

/* Every byte of the texts may become six ("\u0000"). */
#define JSON_MAX (UINT64_C(8) * 256 * 1024 * 1024)

static void write_result(JsonWriter *writer, const SprResult *result, bool *lossyp) {
        _cleanup_(buffer_deinitp) Buffer finite;
        size_t length;
        const char *json = spr_result_get_json(result, &length);

        buffer_init(&finite, JSON_MAX);
        json_writer_key(writer, "result");
        if (!json) {
                json_writer_raw(writer, "null");
                return;
        }
        if (!writer->r)
                writer->r = json_write_finite(&finite, json, length, lossyp);
        if (!writer->r)
                writer->r = json_write_compact(&writer->buffer, (const char *)buffer_bytes(&finite),
                                               buffer_length(&finite));
}

static void write_reference(JsonWriter *writer, const SprResult *result, bool *lossyp) {
        size_t n_out, n_err;
        const char *out = spr_result_get_stdout(result, &n_out);
        const char *err = spr_result_get_stderr(result, &n_err);

        json_writer_boolean(writer, "ok", spr_result_get_ok(result));
        write_result(writer, result, lossyp);
        json_writer_text(writer, "stdout", out, n_out);
        json_writer_text(writer, "stderr", err, n_err);
        json_writer_boolean(writer, "timed_out", spr_result_get_timed_out(result));
        json_writer_boolean(writer, "resource_exceeded", spr_result_get_resource_exceeded(result));
        json_writer_string(writer, "error", spr_result_get_error(result));
        json_writer_number(writer, "exit_code", (uint64_t)spr_result_get_exit_code(result));
}

void result_write_usage(JsonWriter *writer, const SprResult *result) {
        uint64_t cpu_ns = spr_result_get_cpu_user_ns(result) + spr_result_get_cpu_system_ns(result);
        uint64_t n_faults;

        json_writer_key(writer, "usage");
        json_writer_raw(writer, "{");
        json_writer_ms(writer, "wall_ms", spr_result_get_wall_ns(result));
        json_writer_ms(writer, "cpu_ms", cpu_ns);
        json_writer_ms(writer, "cpu_user_ms", spr_result_get_cpu_user_ns(result));
        json_writer_ms(writer, "cpu_system_ms", spr_result_get_cpu_system_ns(result));
        json_writer_ms(writer, "queue_wait_ms", spr_result_get_queue_wait_ns(result));
        json_writer_number(writer, "peak_memory_bytes", spr_result_get_peak_memory_bytes(result));
        json_writer_number(writer, "stdout_bytes", spr_result_get_stdout_total(result));
        json_writer_number(writer, "stderr_bytes", spr_result_get_stderr_total(result));
        json_writer_number(writer, "bytes_in", spr_result_get_bytes_in(result));
        json_writer_number(writer, "bytes_out", spr_result_get_bytes_out(result));
        json_writer_boolean(writer, "standby", spr_result_get_standby(result));
        if (spr_result_get_page_faults(result, &n_faults))
                json_writer_number(writer, "page_faults", n_faults);
        else
                json_writer_string(writer, "page_faults", NULL);
        json_writer_raw(writer, "}");
}

static void write_truncated(JsonWriter *writer, const SprResult *result) {
        size_t n_out, n_err;
        const char *out = spr_result_get_stdout_tail(result, &n_out);
        const char *err = spr_result_get_stderr_tail(result, &n_err);

        json_writer_key(writer, "truncated");
        json_writer_raw(writer, "{");
        json_writer_boolean(writer, "stdout", spr_result_get_stdout_truncated(result));
        json_writer_boolean(writer, "stderr", spr_result_get_stderr_truncated(result));
        json_writer_raw(writer, "}");
        if (spr_result_get_stdout_truncated(result))
                json_writer_text(writer, "stdout_tail", out, n_out);
        if (spr_result_get_stderr_truncated(result))
                json_writer_text(writer, "stderr_tail", err, n_err);
}

void result_write_isolation(JsonWriter *writer, const SprResult *result) {
        const char *layer;

        json_writer_key(writer, "isolation");
        json_writer_raw(writer, "{");
        json_writer_string(writer, "level", spr_result_get_isolation_level(result));
        json_writer_key(writer, "layers");
        json_writer_raw(writer, "[");
        for (size_t i = 0; (layer = spr_result_get_layer(result, i)); ++i) {
                json_writer_raw(writer, i > 0 ? ", " : "");
                json_writer_value(writer, layer, strlen(layer));
        }
        json_writer_raw(writer, "]");
        json_writer_string(writer, "network", spr_result_get_network(result));
        json_writer_string(writer, "where", spr_result_get_where(result));
        json_writer_raw(writer, "}");
}

_public_ int spr_result_to_json(const SprResult *result, char **jsonp) {
        _cleanup_(json_writer_deinit) JsonWriter writer;
        bool lossy = false;

        json_writer_init(&writer, JSON_MAX);
        json_writer_raw(&writer, "{");
        write_reference(&writer, result, &lossy);
        json_writer_string(&writer, "outcome", spr_result_get_outcome_name(result));
        json_writer_string(&writer, "killed_by", spr_result_get_killed_by(result));
        result_write_usage(&writer, result);
        write_truncated(&writer, result);
        result_write_isolation(&writer, result);
        json_writer_number(&writer, "run_id", spr_result_get_run_id(result));
        if (lossy)
                json_writer_boolean(&writer, "result_lossy", true);
        json_writer_raw(&writer, "}");
        return json_writer_end(&writer, jsonp);
}
