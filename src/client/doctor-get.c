/* SPDX-License-Identifier: MIT */
/*
 * What a doctor gives out, one by one and as JSON.
 */
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json-write.h"
#include "client/doctor.h"

#define JSON_MAX (256 * 1024)

/* getters */

static const char *text_or_null(const char *text) {
        return text[0] ? text : NULL;
}

static IsolationLevel doctor_level(const SprDoctor *doctor) {
        return isolation_level_of(doctor->reached);
}

_public_ bool spr_doctor_get_ok(const SprDoctor *doctor) {
        return !doctor->run_error[0] && doctor_level(doctor) >= doctor->demanded;
}

_public_ const char *spr_doctor_get_level(const SprDoctor *doctor) {
        return isolation_level_name(doctor_level(doctor));
}

_public_ const char *spr_doctor_get_layer(const SprDoctor *doctor _unused_, size_t index) {
        return index < _LAYER_N ? layer_name((unsigned int)index) : NULL;
}

_public_ const char *spr_doctor_get_state(const SprDoctor *doctor, size_t index) {
        return index < _LAYER_N ? doctor_state_name(doctor->probe.layers[index].state) : NULL;
}

_public_ const char *spr_doctor_get_protects(const SprDoctor *doctor _unused_, size_t index) {
        return index < _LAYER_N ? doctor_layer_protects((Layer)index) : NULL;
}

_public_ const char *spr_doctor_get_detail(const SprDoctor *doctor, size_t index) {
        return index < _LAYER_N ? text_or_null(doctor->details[index]) : NULL;
}

_public_ const char *spr_doctor_get_advice(const SprDoctor *doctor, size_t index) {
        return index < _LAYER_N ? text_or_null(doctor->advice[index]) : NULL;
}

_public_ const char *spr_doctor_get_run_error(const SprDoctor *doctor) {
        return text_or_null(doctor->run_error);
}

_public_ const char *spr_doctor_get_kernel(const SprDoctor *doctor) {
        return text_or_null(doctor->host.kernel);
}

_public_ const char *spr_doctor_get_python(const SprDoctor *doctor) {
        return text_or_null(doctor->python);
}

/* JSON */

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

static void write_text(Writer *writer, const char *text) {
        if (!text)
                write_raw(writer, "null");
        else if (!writer->r)
                writer->r = json_write_string(&writer->buffer, text, strlen(text));
}

/* @before is what stands between the value and the one in front of it, with the key. */
static void write_field(Writer *writer, const char *before, const char *text) {
        write_raw(writer, before);
        write_text(writer, text);
}

static void write_layers(Writer *writer, const SprDoctor *doctor) {
        for (size_t i = 0; i < _LAYER_N; ++i) {
                write_field(writer, i ? ", {\"name\": " : "{\"name\": ", layer_name((unsigned)i));
                write_field(writer, ", \"state\": ", spr_doctor_get_state(doctor, i));
                write_field(writer, ", \"protects\": ", spr_doctor_get_protects(doctor, i));
                write_field(writer, ", \"detail\": ", spr_doctor_get_detail(doctor, i));
                write_field(writer, ", \"advice\": ", spr_doctor_get_advice(doctor, i));
                write_raw(writer, "}");
        }
}

static void write_run(Writer *writer, const SprDoctor *doctor) {
        bool first = true;

        write_raw(writer, "{\"ok\": ");
        write_raw(writer, doctor->run_error[0] ? "false" : "true");
        write_field(writer, ", \"error\": ", spr_doctor_get_run_error(doctor));
        write_field(writer, ", \"level\": ", spr_doctor_get_level(doctor));
        write_raw(writer, ", \"layers\": [");
        for (unsigned int i = 0; i < _LAYER_N; ++i) {
                if (!(doctor->reached & LAYER_BIT(i)))
                        continue;
                write_field(writer, first ? "" : ", ", layer_name(i));
                first = false;
        }
        write_raw(writer, "]}");
}

_public_ int spr_doctor_to_json(const SprDoctor *doctor, char **jsonp) {
        _cleanup_(writer_deinit) Writer writer = {.r = 0};
        size_t length;
        char *json;

        buffer_init(&writer.buffer, JSON_MAX);
        write_field(&writer, "{\"level\": ", spr_doctor_get_level(doctor));
        write_raw(&writer, ", \"ok\": ");
        write_raw(&writer, spr_doctor_get_ok(doctor) ? "true" : "false");
        write_raw(&writer, ", \"layers\": [");
        write_layers(&writer, doctor);
        write_raw(&writer, "], \"run\": ");
        write_run(&writer, doctor);
        write_field(&writer, ", \"kernel\": ", spr_doctor_get_kernel(doctor));
        write_field(&writer, ", \"python\": ", spr_doctor_get_python(doctor));
        write_raw(&writer, "}");
        if (writer.r)
                return -ENOMEM;
        json = buffer_steal(&writer.buffer, &length);
        if (!json)
                return -ENOMEM;
        *jsonp = json;
        return 0;
}
