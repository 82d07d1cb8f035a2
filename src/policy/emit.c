/* SPDX-License-Identifier: MIT */
/*
 * Both texts are the rows of the schema in their order, which is that of the names. Numbers are
 * written exactly: a duration or size is a whole number of nanoseconds or bytes, so its decimal
 * fraction ends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json-text.h"
#include "base/json-write.h"
#include "policy/emit.h"
#include "policy/policy.h"
#include "policy/schema.h"

static int emit_text(Buffer *buffer, const char *text) {
        return buffer_append(buffer, text, strlen(text));
}

static int emit_fraction(Buffer *buffer, uint64_t stored, uint64_t unit) {
        char digits[64];
        size_t n;

        n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, stored / unit);
        stored %= unit;
        if (stored > 0)
                digits[n++] = '.';
        /* ends after 9 digits of a second, 20 of a MiB */
        for (; stored > 0; stored %= unit) {
                stored *= 10;
                digits[n++] = (char)('0' + stored / unit);
        }
        return buffer_append(buffer, digits, n);
}

static int emit_names(Buffer *buffer, const StringList *list) {
        int r = emit_text(buffer, "[");

        for (size_t i = 0; i < list->n_items && !r; ++i) {
                if (i > 0)
                        r = emit_text(buffer, ",");
                if (!r)
                        r = json_write_string(buffer, list->items[i], strlen(list->items[i]));
        }
        return r ? r : emit_text(buffer, "]");
}

static int emit_variables(Buffer *buffer, const StringList *list) {
        int r = emit_text(buffer, "{");

        for (size_t i = 0; i < list->n_items && !r; ++i) {
                const char *name = list->items[i], *value = strchr(name, '=') + 1;

                if (i > 0)
                        r = emit_text(buffer, ",");
                if (!r)
                        r = json_write_string(buffer, name, (size_t)(value - name) - 1);
                if (!r)
                        r = emit_text(buffer, ":");
                if (!r)
                        r = json_write_string(buffer, value, strlen(value));
        }
        return r ? r : emit_text(buffer, "}");
}

static int emit_globals(Buffer *buffer, const Policy *policy) {
        if (!policy->extra_globals)
                return emit_text(buffer, "{}");
        return buffer_append(buffer, policy->extra_globals, policy->extra_globals_length);
}

int policy_emit_value(Buffer *buffer, const SchemaKey *key, const Policy *policy) {
        const void *field = (const char *)policy + key->offset;
        const char *word;

        switch (key->type) {
        case SCHEMA_CHOICE:
                word = key->words[*(const unsigned int *)field];
                return json_write_string(buffer, word, strlen(word));
        case SCHEMA_BOOLEAN:
                return emit_text(buffer, *(const bool *)field ? "true" : "false");
        case SCHEMA_NUMBER:
        case SCHEMA_SECONDS:
                return emit_fraction(buffer, *(const uint64_t *)field, key->unit);
        case SCHEMA_NAMES:
        case SCHEMA_PATHS:
                return emit_names(buffer, field);
        case SCHEMA_VARIABLES:
                return emit_variables(buffer, field);
        case SCHEMA_GLOBALS:
        default:
                return emit_globals(buffer, policy);
        }
}

/* A policy on its way into JSON. */
typedef struct Emission {
        const Policy *policy;
        bool worker_only;
        JsonTextWalk *walk; /* over what the worker has, if it is taken from there */
} Emission;

static int emit_key(Buffer *buffer, const SchemaKey *key, const Emission *emission) {
        JsonTextItem item;
        int r;

        r = emit_text(buffer, buffer_length(buffer) == 0 ? "{" : ",");
        if (!r)
                r = json_write_string(buffer, key->name, strlen(key->name));
        if (!r)
                r = emit_text(buffer, ":");
        if (r)
                return r;
        if (emission->walk && key->for_worker && json_text_next(emission->walk, &item))
                return buffer_append(buffer, item.value.start, item.value.length);
        return policy_emit_value(buffer, key, emission->policy);
}

static int emit_policy(const Emission *emission, char **jsonp, size_t *lengthp) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        char *json;
        int r = 0;

        /* the names are bounded in number and length, extra_globals by POLICY_TEXT_MAX */
        buffer_init(&buffer, SIZE_MAX / 2);
        for (size_t i = 0; i < SCHEMA_KEYS && !r; ++i)
                if (!emission->worker_only || schema_keys[i].for_worker)
                        r = emit_key(&buffer, &schema_keys[i], emission);
        if (!r)
                r = emit_text(&buffer, "}");
        json = r ? NULL : buffer_steal(&buffer, lengthp);
        if (!json)
                return -ENOMEM;
        *jsonp = json;
        return 0;
}

int policy_to_worker_json(const Policy *policy, char **jsonp, size_t *lengthp) {
        return emit_policy(&(Emission){policy, true, NULL}, jsonp, lengthp);
}

int policy_to_json(const Policy *policy, char **jsonp, size_t *lengthp) {
        return emit_policy(&(Emission){policy, false, NULL}, jsonp, lengthp);
}

int policy_to_json_from(const Policy *policy,
                        const char *worker_json,
                        size_t worker_length,
                        char **jsonp,
                        size_t *lengthp) {
        JsonTextWalk walk;

        json_text_walk(&walk, worker_json, worker_length);
        return emit_policy(&(Emission){policy, false, &walk}, jsonp, lengthp);
}
