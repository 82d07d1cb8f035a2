/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json-write.h"
#include "policy/emit.h"
#include "policy/schema.h"
#include "policy/show.h"

#define ORIGIN_COLUMN 40
#define ORIGIN_MAX    512

static int append(Buffer *buffer, const char *text) {
        return buffer_append(buffer, text, strlen(text));
}

static int finish(Buffer *buffer, int r, char **textp) {
        char *text;
        size_t length;

        if (r)
                return -ENOMEM;
        text = buffer_steal(buffer, &length);
        if (!text)
                return -ENOMEM;
        *textp = text;
        return 0;
}

/* { "NAME" = "value" } */
static int append_variables(Buffer *buffer, const StringList *list) {
        int r = append(buffer, "{");

        for (size_t i = 0; i < list->n_items && !r; ++i) {
                const char *name = list->items[i], *value = strchr(name, '=') + 1;

                r = append(buffer, i > 0 ? ", " : " ");
                if (!r)
                        r = json_write_string(buffer, name, (size_t)(value - name) - 1);
                if (!r)
                        r = append(buffer, " = ");
                if (!r)
                        r = json_write_string(buffer, value, strlen(value));
        }
        return r ? r : append(buffer, list->n_items > 0 ? " }" : "}");
}

/* Globals are JSON of any kind, which TOML cannot always say: such a line is a comment. */
static int append_line(Buffer *buffer, const SchemaKey *key, const Policy *policy) {
        bool opaque = key->type == SCHEMA_GLOBALS && policy->extra_globals_length > strlen("{}");
        int r;

        r = append(buffer, opaque ? "# as JSON: " : "");
        if (!r)
                r = append(buffer, key->name);
        if (!r)
                r = append(buffer, " = ");
        if (r)
                return r;
        return key->type == SCHEMA_VARIABLES ? append_variables(buffer, &policy->env)
                                             : policy_emit_value(buffer, key, policy);
}

static int append_origin(Buffer *buffer, const Policy *policy, size_t row, size_t start) {
        size_t used = buffer_length(buffer) - start;
        char text[ORIGIN_MAX];
        int r;

        r = buffer_append(buffer, "                                        ",
                          used < ORIGIN_COLUMN ? ORIGIN_COLUMN - used : 0);
        if (!r)
                r = append(buffer, "  # ");
        return r ? r : append(buffer, policy_origin(policy, row, text, sizeof(text)));
}

int policy_show(const Policy *policy, bool origin, char **textp) {
        _cleanup_(buffer_deinitp) Buffer buffer;
        int r = 0;

        buffer_init(&buffer, SIZE_MAX / 2);
        for (size_t i = 0; i < SCHEMA_KEYS && !r; ++i) {
                size_t start = buffer_length(&buffer);

                r = append_line(&buffer, &schema_keys[i], policy);
                if (!r && origin)
                        r = append_origin(&buffer, policy, i, start);
                if (!r)
                        r = append(&buffer, "\n");
        }
        return finish(&buffer, r, textp);
}

int policy_show_json(const Policy *policy, char **jsonp) {
        _cleanup_(buffer_deinitp) Buffer buffer;
        _cleanup_(freep) char *values = NULL;
        char text[ORIGIN_MAX];
        size_t length;
        int r;

        buffer_init(&buffer, SIZE_MAX / 2);
        r = policy_to_json(policy, &values, &length);
        if (!r)
                r = append(&buffer, "{\"values\": ");
        if (!r)
                r = append(&buffer, values);
        for (size_t i = 0; i < SCHEMA_KEYS && !r; ++i) {
                r = append(&buffer, i > 0 ? ", \"" : ", \"origins\": {\"");
                if (!r)
                        r = append(&buffer, schema_keys[i].name);
                if (!r)
                        r = append(&buffer, "\": ");
                (void)policy_origin(policy, i, text, sizeof(text));
                if (!r)
                        r = json_write_string(&buffer, text, strlen(text));
        }
        if (!r)
                r = append(&buffer, "}}");
        return finish(&buffer, r, jsonp);
}
