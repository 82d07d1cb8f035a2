/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/fd.h"
#include "base/utf8.h"
#include "policy/check.h"
#include "policy/complain.h"
#include "policy/document.h"
#include "policy/items.h"
#include "policy/json.h"
#include "policy/policy.h"
#include "policy/presets.h"
#include "policy/schema.h"
#include "policy/toml.h"

typedef int (*ReadFn)(
        Document *document, const char *text, size_t length, const char *source, Failure *failure);

static int policy_new_with(Policy **policyp, bool lists) {
        _cleanup_(policy_freep) Policy *policy = calloc(1, sizeof(*policy));
        int r;

        if (!policy)
                return -ENOMEM;
        r = schema_set_defaults(policy, lists);
        if (r)
                return r;
        *policyp = take_ptr(&policy);
        return 0;
}

int policy_new(Policy **policyp) {
        return policy_new_with(policyp, true);
}

Policy *policy_free(Policy *policy) {
        if (!policy)
                return NULL;
        for (size_t i = 0; i < SCHEMA_KEYS; ++i)
                if (schema_list(&schema_keys[i], policy))
                        string_list_deinit(schema_list(&schema_keys[i], policy));
        free(policy->extra_globals);
        free(policy->source);
        free(policy);
        return NULL;
}

/* Gives the copy what @from owns; what is plain it has already. */
static int policy_dup_owned(Policy *copy, const Policy *from) {
        int r = 0;

        for (size_t i = 0; i < SCHEMA_KEYS && !r; ++i) {
                const SchemaKey *key = &schema_keys[i];

                if (schema_list(key, copy))
                        r = string_list_dup(schema_list(key, copy),
                                            (const StringList *)(const void *)((const char *)from +
                                                                               key->offset));
        }
        if (!r && from->source) {
                copy->source = strdup(from->source);
                r = copy->source ? 0 : -ENOMEM;
        }
        if (r || !from->extra_globals)
                return r;
        copy->extra_globals = malloc(from->extra_globals_length + 1);
        if (!copy->extra_globals)
                return -ENOMEM;
        memcpy(copy->extra_globals, from->extra_globals, from->extra_globals_length + 1);
        return 0;
}

int policy_dup(Policy **policyp, const Policy *policy) {
        _cleanup_(policy_freep) Policy *copy = malloc(sizeof(*copy));
        int r;

        if (!copy)
                return -ENOMEM;
        *copy = *policy;
        for (size_t i = 0; i < SCHEMA_KEYS; ++i)
                if (schema_list(&schema_keys[i], copy))
                        *schema_list(&schema_keys[i], copy) = STRING_LIST_NULL;
        copy->extra_globals = NULL;
        copy->source = NULL;
        r = policy_dup_owned(copy, policy);
        if (r)
                return r;
        *policyp = take_ptr(&copy);
        return 0;
}

static int text_check(const char *text, size_t length, const char *source, Failure *failure) {
        size_t span = utf8_span(text, length);
        Place place = {source, 0};

        if (length > POLICY_TEXT_MAX)
                return policy_complain(failure, &place, "larger than %d MiB",
                                       (int)(POLICY_TEXT_MAX >> 20));
        if (span == length)
                return 0;
        place.line = 1;
        for (size_t i = 0; i < span; ++i)
                place.line += text[i] == '\n';
        return policy_complain(failure, &place, "not UTF-8");
}

/* A text, on its way into a policy. */
typedef struct PolicyText {
        const char *text;
        size_t length;
        const char *name;
        ReadFn read;
} PolicyText;

static int text_read(const PolicyText *text, Document *document, Failure *failure) {
        int r = text_check(text->text, text->length, text->name, failure);

        return r ? r : text->read(document, text->text, text->length, text->name, failure);
}

static int policy_take(Policy *policy, Document *document, const char *name, Failure *failure) {
        char *source = strdup(name);

        if (!source)
                return -ENOMEM;
        free(policy->source);
        policy->source = source;
        return check_document(policy, document, name, failure);
}

/* The lists that are empty because a file does not name them come from the file. */
static void policy_mark_missing_lists(Policy *policy) {
        for (size_t i = 0; i < SCHEMA_KEYS; ++i)
                if (schema_keys[i].type == SCHEMA_NAMES && schema_keys[i].words[0])
                        policy->origins[i] = (PolicyOrigin){POLICY_ORIGIN_FILE, 0};
}

static int policy_new_from_preset(Policy **policyp, const Preset *preset, Failure *failure) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        PolicyText text = {preset->toml, strlen(preset->toml), preset->name, toml_read};
        int r;

        r = text_read(&text, &document, failure);
        if (!r)
                r = policy_new_with(&policy, true);
        if (!r)
                r = check_document(policy, &document, preset->name, failure);
        if (r)
                return r;
        for (size_t i = 0; i < SCHEMA_KEYS; ++i)
                if (policy->origins[i].kind == POLICY_ORIGIN_FILE)
                        policy->origins[i] = (PolicyOrigin){POLICY_ORIGIN_PRESET, 0};
        policy->preset = preset->name;
        *policyp = take_ptr(&policy);
        return 0;
}

static int policy_new_base(Policy **policyp,
                           const Document *document,
                           const char *name,
                           bool complete,
                           Failure *failure) {
        const Preset *preset = NULL;
        int r = check_extends(document, name, &preset, failure);

        if (r)
                return r;
        if (preset)
                return policy_new_from_preset(policyp, preset, failure);
        r = policy_new_with(policyp, complete);
        if (!r && !complete)
                policy_mark_missing_lists(*policyp);
        return r;
}

static int policy_fail_memory(Failure *failure) {
        return failure_errno(failure, FAILURE_STAGE_POLICY, ENOMEM, "cannot read the policy");
}

static int policy_parse(Policy **policyp, const PolicyText *text, bool complete, Failure *failure) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        int r;

        r = text_read(text, &document, failure);
        if (!r)
                r = policy_new_base(&policy, &document, text->name, complete, failure);
        if (!r)
                r = policy_take(policy, &document, text->name, failure);
        if (r)
                return r == -ENOMEM ? policy_fail_memory(failure) : r;
        *policyp = take_ptr(&policy);
        return 0;
}

int policy_new_preset(Policy **policyp, const char *name, Failure *failure) {
        const Preset *preset = preset_find(name, strlen(name));
        char quoted[QUOTE_MAX], advice[PRESET_ADVICE_MAX];
        int r;

        if (!preset) {
                preset_advise(name, strlen(name), advice, sizeof(advice));
                return failure_set(failure, FAILURE_STAGE_POLICY, EINVAL, "no preset '%s': %s",
                                   policy_quote(quoted, name, strlen(name)), advice);
        }
        r = policy_new_from_preset(policyp, preset, failure);
        return r == -ENOMEM ? policy_fail_memory(failure) : r;
}

int policy_parse_toml(
        Policy **policyp, const char *text, size_t length, const char *name, Failure *failure) {
        return policy_parse(policyp, &(PolicyText){text, length, name, toml_read}, false, failure);
}

int policy_parse_json(Policy **policyp,
                      const char *text,
                      size_t length,
                      const char *name,
                      bool complete,
                      Failure *failure) {
        return policy_parse(policyp, &(PolicyText){text, length, name, json_read}, complete,
                            failure);
}

/* Also of a pipe, so that a shell's <(…) works. One byte past the limit tells that it is passed. */
static int file_read(Buffer *buffer, const char *path, Failure *failure) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        ssize_t n;

        if (fd < 0)
                return policy_complain_errno(failure, errno, "open", path);
        buffer_init(buffer, POLICY_TEXT_MAX + 1);
        do {
                size_t room = min_size(65536, POLICY_TEXT_MAX + 1 - buffer_length(buffer));
                uint8_t *space;

                if (buffer_reserve(buffer, room, &space))
                        return policy_complain_errno(failure, ENOMEM, "read", path);
                n = fd_read(fd, space, room);
                if (n < 0)
                        return policy_complain_errno(failure, (int)-n, "read", path);
                buffer_commit(buffer, (size_t)n);
        } while (n > 0 && buffer_length(buffer) <= POLICY_TEXT_MAX);
        return 0;
}

static bool names_json(const char *path) {
        size_t length = strlen(path);

        return length >= 5 && strcmp(path + length - 5, ".json") == 0;
}

/* The text points into @buffer. */
static int file_read_text(PolicyText *text, Buffer *buffer, const char *path, Failure *failure) {
        int r = file_read(buffer, path, failure);

        if (!r)
                *text = (PolicyText){(const char *)buffer_bytes(buffer), buffer_length(buffer),
                                     path, names_json(path) ? json_read : toml_read};
        return r;
}

int policy_load_file(Policy **policyp, const char *path, Failure *failure) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        PolicyText text;
        int r;

        r = file_read_text(&text, &buffer, path, failure);
        return r ? r : policy_parse(policyp, &text, false, failure);
}

void policy_swap(Policy *a, Policy *b) {
        Policy held = *a;

        *a = *b;
        *b = held;
}

int policy_apply_file(Policy *policy, const char *path, Failure *failure) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        _cleanup_(policy_freep) Policy *copy = NULL;
        const Preset *preset = NULL;
        PolicyText text;
        int r;

        r = file_read_text(&text, &buffer, path, failure);
        if (!r)
                r = text_read(&text, &document, failure);
        if (!r)
                r = check_extends(&document, path, &preset, failure);
        if (!r && preset)
                return failure_set(failure, FAILURE_STAGE_POLICY, EINVAL,
                                   "'%.256s' begins from preset '%s' by itself: give no other one",
                                   path, preset->name);
        if (!r)
                r = policy_dup(&copy, policy);
        if (!r)
                r = policy_take(copy, &document, path, failure);
        if (r)
                return r == -ENOMEM ? policy_fail_memory(failure) : r;
        policy_swap(policy, copy);
        return 0;
}

static void policy_mark(Policy *policy, const SchemaKey *key, PolicyOriginKind kind) {
        policy->origins[key - schema_keys] = (PolicyOrigin){kind, 0};
}

void policy_mark_caller(Policy *policy, size_t offset) {
        policy_mark(policy, schema_at(offset), POLICY_ORIGIN_CALLER);
}

/* Stores a number in the field at @offset. */
static int policy_set_number(Policy *policy, size_t offset, uint64_t number, Failure *failure) {
        const SchemaKey *key = schema_at(offset);
        int r = check_stored(key, number, failure);

        if (r)
                return r;
        *schema_number(key, policy) = number;
        policy_mark(policy, key, POLICY_ORIGIN_CALLER);
        return 0;
}

int policy_set_timeout_ns(Policy *policy, uint64_t timeout_ns, Failure *failure) {
        return policy_set_number(policy, offsetof(Policy, timeout_ns), timeout_ns, failure);
}

int policy_set_memory_bytes(Policy *policy, uint64_t bytes, Failure *failure) {
        return policy_set_number(policy, offsetof(Policy, memory_bytes), bytes, failure);
}

int policy_set_file_bytes(Policy *policy, uint64_t bytes, Failure *failure) {
        return policy_set_number(policy, offsetof(Policy, file_bytes), bytes, failure);
}

int policy_set_disk_bytes(Policy *policy, uint64_t bytes, Failure *failure) {
        return policy_set_number(policy, offsetof(Policy, disk_bytes), bytes, failure);
}

int policy_set_cpu_ns(Policy *policy, uint64_t cpu_ns, Failure *failure) {
        return policy_set_number(policy, offsetof(Policy, cpu_ns), cpu_ns, failure);
}

int policy_set_max_processes(Policy *policy, uint64_t n, Failure *failure) {
        return policy_set_number(policy, offsetof(Policy, n_processes), n, failure);
}

static Text text_of(const char *string) {
        return (Text){string, strlen(string)};
}

/* A text that a setter was given; there is no file and no line. */
static int argument_check(const char *argument, const char *key, Failure *failure) {
        return text_check(argument, strlen(argument), key, failure);
}

int policy_set_env(Policy *policy, const char *name, const char *value, Failure *failure) {
        static const char key[] = "env";
        Text name_text = text_of(name), value_text = text_of(value);
        Place nowhere = {NULL, 0};
        int r;

        r = argument_check(name, key, failure);
        if (!r)
                r = argument_check(value, key, failure);
        if (!r)
                r = items_set_variable(&policy->env, &name_text, &value_text, key, &nowhere,
                                       failure);
        if (!r)
                policy_mark_caller(policy, offsetof(Policy, env));
        return r;
}

int policy_add_read_only_path(Policy *policy, const char *path, Failure *failure) {
        static const char key[] = "read_only_paths";
        Text text = text_of(path);
        Place nowhere = {NULL, 0};
        int r;

        r = argument_check(path, key, failure);
        if (!r)
                r = items_add_path(&policy->read_only_paths, &text, key, &nowhere, failure);
        if (!r)
                policy_mark_caller(policy, offsetof(Policy, read_only_paths));
        return r;
}

int policy_set_extra_globals(Policy *policy, const char *json, size_t length, Failure *failure) {
        static const char key[] = "extra_globals";
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        int r;

        r = text_check(json, length, key, failure);
        if (!r)
                r = json_read_object(&document, key, json, length, failure);
        if (!r)
                r = check_globals(policy, &document.entries[0], NULL, failure);
        if (!r)
                policy_mark_caller(policy, offsetof(Policy, extra_globals));
        if (r == -ENOMEM)
                return failure_errno(failure, FAILURE_STAGE_POLICY, ENOMEM, "cannot read '%s'",
                                     key);
        return r;
}
