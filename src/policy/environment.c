/* SPDX-License-Identifier: MIT */
/*
 * Each variable becomes a document of one entry, as a file of one key would, and is judged as that
 * is: same checks, same words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json-text.h"
#include "base/json-write.h"
#include "base/utf8.h"
#include "policy/check.h"
#include "policy/environment.h"
#include "policy/json.h"

#define PREFIX "SPR_"

const char *policy_variable(const SchemaKey *key, char text[static POLICY_VARIABLE_MAX]) {
        size_t n = (size_t)snprintf(text, POLICY_VARIABLE_MAX, PREFIX "%s", key->name);

        for (size_t i = 0; i < n; ++i)
                if (text[i] >= 'a' && text[i] <= 'z')
                        text[i] = (char)(text[i] - 'a' + 'A');
        return text;
}

static const char *variable_find(const char *const *environment, const char *name) {
        size_t length = strlen(name);

        for (; *environment; ++environment)
                if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
                        return *environment + length + 1;
        return NULL;
}

static int append(Buffer *buffer, const char *text) {
        return buffer_append(buffer, text, strlen(text));
}

static int append_list(Buffer *buffer, const char *value, char separator) {
        int r = append(buffer, "[");

        for (const char *at = value; *at && !r;) {
                const char *end = strchr(at, separator);
                size_t length = end ? (size_t)(end - at) : strlen(at);

                if (at != value)
                        r = append(buffer, ",");
                if (!r)
                        r = json_write_string(buffer, at, length);
                at += length + (end ? 1 : 0);
        }
        return r ? r : append(buffer, "]");
}

/* A number, a boolean or a table that is none stays a string, for the words of the check. */
static int append_literal(Buffer *buffer, const char *value) {
        size_t length = strlen(value);

        if (json_text_check(value, length, POLICY_DEPTH_MAX, NULL) == 0)
                return append(buffer, value);
        return json_write_string(buffer, value, length);
}

/* {"timeout_seconds":2.5} */
static int variable_to_json(Buffer *buffer, const SchemaKey *key, const char *value) {
        int r;

        r = append(buffer, "{\"");
        if (!r)
                r = append(buffer, key->name);
        if (!r)
                r = append(buffer, "\":");
        if (r)
                return r;
        switch (key->type) {
        case SCHEMA_NAMES:
                r = append_list(buffer, value, ',');
                break;
        case SCHEMA_PATHS:
                r = append_list(buffer, value, ':');
                break;
        case SCHEMA_CHOICE:
                r = json_write_string(buffer, value, strlen(value));
                break;
        case SCHEMA_BOOLEAN:
        case SCHEMA_NUMBER:
        case SCHEMA_SECONDS:
        case SCHEMA_VARIABLES:
        case SCHEMA_GLOBALS:
        default:
                r = append_literal(buffer, value);
        }
        return r ? r : append(buffer, "}");
}

static int
variable_apply(Policy *policy, const SchemaKey *key, const char *value, Failure *failure) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        _cleanup_(buffer_deinitp) Buffer buffer;
        char name[POLICY_VARIABLE_MAX];
        Place place = {policy_variable(key, name), 0};
        int r;

        buffer_init(&buffer, POLICY_TEXT_MAX);
        if (utf8_span(value, strlen(value)) != strlen(value))
                return policy_complain(failure, &place, "not UTF-8");
        r = variable_to_json(&buffer, key, value);
        if (r > 0)
                return policy_complain(failure, &place, "too long");
        if (!r)
                r = json_read(&document, (const char *)buffer_bytes(&buffer),
                              buffer_length(&buffer), name, failure);
        document_drop_lines(&document);
        if (!r)
                r = check_document(policy, &document, name, failure);
        if (!r)
                policy->origins[key - schema_keys] = (PolicyOrigin){POLICY_ORIGIN_ENVIRONMENT, 0};
        return r;
}

static bool is_list(const SchemaKey *key) {
        return key->type == SCHEMA_NAMES || key->type == SCHEMA_PATHS;
}

int policy_apply_environment(Policy *policy, const char *const *environment, Failure *failure) {
        _cleanup_(policy_freep) Policy *copy = NULL;
        char name[POLICY_VARIABLE_MAX];
        int r;

        r = policy_dup(&copy, policy);
        for (size_t i = 0; i < SCHEMA_KEYS && !r; ++i) {
                const SchemaKey *key = &schema_keys[i];
                const char *value = variable_find(environment, policy_variable(key, name));

                if (value && (*value || is_list(key)))
                        r = variable_apply(copy, key, value, failure);
        }
        if (r == -ENOMEM)
                return failure_errno(failure, FAILURE_STAGE_POLICY, ENOMEM,
                                     "cannot read the environment");
        if (!r)
                policy_swap(policy, copy);
        return r;
}
