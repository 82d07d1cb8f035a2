/* SPDX-License-Identifier: MIT */
/*
 * Draft 2020-12. What it cannot say (a name twice, the sum of all variables) the parser still
 * judges: what passes here is a policy but for that, and what is one passes here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json-writer.h"
#include "policy/presets.h"
#include "policy/schema.h"
#include "policy/show.h"

/* Letters, '_' and all beyond ASCII, by what they are not; then digits, too. */
#define FIRST      "[^\\\\x00-@\\\\[-\\\\^`{-\\\\x7f]"
#define LATER      "[^\\\\x00-/:-@\\\\[-\\\\^`{-\\\\x7f]"
#define IDENTIFIER FIRST LATER "*"

static void write_list(JsonWriter *writer, const char *key, const char *const *words) {
        json_writer_key(writer, key);
        json_writer_raw(writer, "[");
        for (size_t i = 0; words[i]; ++i) {
                json_writer_raw(writer, i > 0 ? ", " : "");
                json_writer_value(writer, words[i], strlen(words[i]));
        }
        json_writer_raw(writer, "]");
}

static void write_object(JsonWriter *writer, const char *key, const char *json) {
        json_writer_key(writer, key);
        json_writer_raw(writer, json);
}

static void write_number(JsonWriter *writer, const SchemaKey *key) {
        bool seconds = key->type == SCHEMA_SECONDS;

        json_writer_string(writer, "type", seconds ? "number" : "integer");
        json_writer_number(writer, seconds && !key->or_zero ? "exclusiveMinimum" : "minimum",
                           key->min);
        json_writer_number(writer, "maximum", key->max);
        json_writer_number(writer, "default", key->fallback);
}

static void write_names(JsonWriter *writer, const SchemaKey *key) {
        json_writer_string(writer, "type", "array");
        write_object(
                writer, "items",
                key->syntax == NAME_MODULE
                        ? "{\"type\": \"string\", \"maxLength\": 256, \"pattern\": \"^" IDENTIFIER
                          "(\\\\." IDENTIFIER ")*$\"}"
                        : "{\"type\": \"string\", \"maxLength\": 256, \"pattern\": \"^" IDENTIFIER
                          "$\"}");
        write_list(writer, "default", key->words);
}

static void write_kind(JsonWriter *writer, const SchemaKey *key) {
        switch (key->type) {
        case SCHEMA_CHOICE:
                write_list(writer, "enum", key->words);
                json_writer_string(writer, "default", key->words[key->fallback]);
                break;
        case SCHEMA_BOOLEAN:
                json_writer_string(writer, "type", "boolean");
                json_writer_boolean(writer, "default", key->fallback != 0);
                break;
        case SCHEMA_NUMBER:
        case SCHEMA_SECONDS:
                write_number(writer, key);
                break;
        case SCHEMA_NAMES:
                write_names(writer, key);
                break;
        case SCHEMA_PATHS:
                json_writer_string(writer, "type", "array");
                write_object(
                        writer, "items",
                        "{\"type\": \"string\", \"pattern\": \"^/+[^/]\", \"not\": {\"pattern\": "
                        "\"/\\\\.\\\\.(/|$)\"}}");
                json_writer_number(writer, "maxItems", POLICY_PATHS_MAX);
                break;
        case SCHEMA_VARIABLES:
                json_writer_string(writer, "type", "object");
                write_object(writer, "propertyNames",
                             "{\"pattern\": \"^[A-Za-z_][A-Za-z0-9_]*$\"}");
                write_object(writer, "additionalProperties", "{\"type\": \"string\"}");
                json_writer_number(writer, "maxProperties", POLICY_VARIABLES_MAX);
                break;
        case SCHEMA_GLOBALS:
        default:
                json_writer_string(writer, "type", "object");
                write_object(writer, "propertyNames",
                             "{\"pattern\": \"^" IDENTIFIER "$\", \"not\": {\"enum\": "
                             "[\"__builtins__\", \"input_data\", \"result\"]}}");
                break;
        }
}

static void write_extends(JsonWriter *writer) {
        const char *names[PRESETS + 1] = {NULL};

        for (size_t i = 0; i < PRESETS; ++i)
                names[i] = presets[i].name;
        json_writer_key(writer, "extends");
        json_writer_raw(writer, "{");
        json_writer_string(writer, "description", "the preset that this policy begins from");
        write_list(writer, "enum", names);
        json_writer_raw(writer, "}");
}

static void write_policy(JsonWriter *writer) {
        json_writer_string(writer, "type", "object");
        json_writer_boolean(writer, "additionalProperties", false);
        json_writer_key(writer, "properties");
        json_writer_raw(writer, "{");
        for (size_t i = 0; i < SCHEMA_KEYS; ++i) {
                json_writer_key(writer, schema_keys[i].name);
                json_writer_raw(writer, "{");
                json_writer_string(writer, "description", schema_keys[i].summary);
                write_kind(writer, &schema_keys[i]);
                json_writer_raw(writer, "}");
        }
        write_extends(writer);
        json_writer_raw(writer, "}");
}

int policy_json_schema(char **jsonp) {
        JsonWriter writer;
        int r;

        json_writer_init(&writer, SIZE_MAX / 2);
        json_writer_raw(&writer, "{");
        json_writer_string(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
        json_writer_string(&writer, "title", "policy of safe-py-runner, see spr-policy(5)");
        write_object(&writer, "oneOf",
                     "[{\"$ref\": \"#/$defs/policy\"}, {\"type\": \"object\", \"properties\": "
                     "{\"policy\": {\"$ref\": \"#/$defs/policy\"}}, \"required\": [\"policy\"], "
                     "\"additionalProperties\": false}]");
        json_writer_key(&writer, "$defs");
        json_writer_raw(&writer, "{");
        json_writer_key(&writer, "policy");
        json_writer_raw(&writer, "{");
        write_policy(&writer);
        json_writer_raw(&writer, "}}}");
        r = json_writer_end(&writer, jsonp);
        json_writer_deinit(&writer);
        return r ? -ENOMEM : 0;
}
