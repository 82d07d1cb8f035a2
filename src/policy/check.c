/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json-text.h"
#include "policy/check.h"
#include "policy/items.h"
#include "policy/suggest.h"

#define POLICY_TABLE "policy"
#define EXTENDS      "extends"

/* Names the worker sets itself. */
static const char *const reserved_globals[] = {"__builtins__", "input_data", "result"};

/* One entry on its way into one field. */
typedef struct Check {
        const SchemaKey *key;
        Entry *entry;
        Policy *policy;
        Place place;
        Failure *failure;
} Check;

static int check_type_fault(const Check *check, const char *expected) {
        return policy_complain(check->failure, &check->place, "'%s' must be %s, not %s",
                               check->key->name, expected,
                               value_type_name(check->entry->value.type));
}

static int check_choice(const Check *check) {
        const Value *value = &check->entry->value;
        const char *const *words = check->key->words;
        char quoted[QUOTE_MAX];
        NearestName nearest;
        size_t n;

        if (value->type != VALUE_STRING)
                return check_type_fault(check, "a string");
        for (n = 0; words[n]; ++n)
                if (strlen(words[n]) == value->length &&
                    memcmp(words[n], value->text, value->length) == 0) {
                        *schema_choice(check->key, check->policy) = (unsigned int)n;
                        return 0;
                }
        nearest = suggest_nearest(value->text, value->length, words, n);
        return policy_complain(check->failure, &check->place,
                               nearest.near ? "'%s' cannot be '%s': did you mean '%s'?"
                                            : "'%s' cannot be '%s', but for example '%s'",
                               check->key->name, policy_quote(quoted, value->text, value->length),
                               nearest.name);
}

static int check_range_fault(const Check *check) {
        const SchemaKey *key = check->key;
        const Value *value = &check->entry->value;
        char quoted[QUOTE_MAX];

        policy_quote(quoted, value->text ? value->text : "", value->length);
        if (key->type == SCHEMA_SECONDS && !key->or_zero)
                return policy_complain(check->failure, &check->place,
                                       "'%s' must be more than 0 and at most %" PRIu64 ", not %s",
                                       key->name, key->max, quoted);
        return policy_complain(check->failure, &check->place,
                               "'%s' must be from %" PRIu64 " to %" PRIu64 ", not %s", key->name,
                               key->min, key->max, quoted);
}

static int check_boolean(const Check *check) {
        const Value *value = &check->entry->value;

        if (value->type != VALUE_BOOLEAN)
                return check_type_fault(check, "true or false");
        *schema_boolean(check->key, check->policy) = value->integer != 0;
        return 0;
}

static int check_number(const Check *check) {
        const SchemaKey *key = check->key;
        const Value *value = &check->entry->value;

        if (value->type != VALUE_INTEGER)
                return check_type_fault(check, "an integer");
        if (value->integer < 0 || (uint64_t)value->integer < key->min ||
            (uint64_t)value->integer > key->max)
                return check_range_fault(check);
        *schema_number(key, check->policy) = (uint64_t)value->integer * key->unit;
        return 0;
}

static int check_seconds(const Check *check) {
        const SchemaKey *key = check->key;
        const Value *value = &check->entry->value;
        double seconds;
        uint64_t stored;

        if (value->type != VALUE_INTEGER && value->type != VALUE_REAL)
                return check_type_fault(check, "a number");
        seconds = value->type == VALUE_REAL ? value->real : (double)value->integer;
        /* written so that NaN fails it */
        if (!(seconds >= 0 && seconds <= (double)key->max))
                return check_range_fault(check);
        stored = (uint64_t)(seconds * (double)key->unit + 0.5);
        if (stored == 0 && !(key->or_zero && seconds <= 0))
                return check_range_fault(check);
        *schema_number(key, check->policy) = stored;
        return 0;
}

static int check_name(const Check *check, const Value *item, StringList *list) {
        Place place = {check->place.source, item->line};
        const char *fault;
        char quoted[QUOTE_MAX];

        if (item->type != VALUE_STRING)
                return policy_complain(check->failure, &place, "'%s' must hold strings, not %s",
                                       check->key->name, value_type_name(item->type));
        fault = name_fault(item->text, item->length, check->key->syntax);
        if (fault)
                return policy_complain(check->failure, &place, "'%s' holds '%s', which %s",
                                       check->key->name,
                                       policy_quote(quoted, item->text, item->length), fault);
        if (string_list_contains(list, item->text, item->length))
                return 0;
        if (list->n_items == POLICY_LIST_MAX)
                return policy_complain(check->failure, &place, "'%s' holds more than %d names",
                                       check->key->name, POLICY_LIST_MAX);
        return string_list_add(list, item->text, item->length);
}

static int check_names(const Check *check) {
        StringList *list = schema_list(check->key, check->policy);
        int r = 0;

        if (check->entry->value.type != VALUE_LIST)
                return check_type_fault(check, "a list of strings");
        string_list_deinit(list); /* the default */
        for (size_t i = 0; i < check->entry->n_items && !r; ++i)
                r = check_name(check, &check->entry->items[i], list);
        return r;
}

static int check_path(const Check *check, const Value *item, StringList *list) {
        Place place = {check->place.source, item->line};
        Text path = {item->text, item->length};

        if (item->type != VALUE_STRING)
                return policy_complain(check->failure, &place, "'%s' must hold strings, not %s",
                                       check->key->name, value_type_name(item->type));
        return items_add_path(list, &path, check->key->name, &place, check->failure);
}

static int check_paths(const Check *check) {
        StringList *list = schema_list(check->key, check->policy);
        int r = 0;

        if (check->entry->value.type != VALUE_LIST)
                return check_type_fault(check, "a list of strings");
        string_list_deinit(list);
        for (size_t i = 0; i < check->entry->n_items && !r; ++i)
                r = check_path(check, &check->entry->items[i], list);
        return r;
}

/* @json is what @name is set to, as it stands in the text of the table. */
static int
check_variable(const Check *check, const Value *name, const JsonTextSlice *json, StringList *list) {
        Place place = {check->place.source, name->line};
        Text name_text = {name->text, name->length};
        JsonTextSlice raw = {json->start + 1, json->length - 2};
        _cleanup_(freep) char *value = NULL;
        char quoted[QUOTE_MAX];
        size_t length;

        policy_quote(quoted, name->text, name->length);
        if (items_has_variable(list, &name_text))
                return policy_complain(check->failure, &place, "'%s' sets '%s' twice",
                                       check->key->name, quoted);
        if (json_text_kind(json->start, json->length) != JSON_TEXT_STRING)
                return policy_complain(check->failure, &place,
                                       "'%s' sets '%s' to what is not a string", check->key->name,
                                       quoted);
        value = malloc(raw.length + 1);
        if (!value)
                return -ENOMEM;
        if (json_text_unescape(&raw, value, raw.length, &length))
                return policy_complain(check->failure, &place,
                                       "'%s' sets '%s' to what is not Unicode", check->key->name,
                                       quoted);
        return items_set_variable(list, &name_text, &(Text){value, length}, check->key->name,
                                  &place, check->failure);
}

/* The table's keys stand in the entry, its values in the text, in the same order. */
static int check_variables(const Check *check) {
        const Entry *entry = check->entry;
        StringList *list = schema_list(check->key, check->policy);
        JsonTextWalk walk;
        JsonTextItem item;
        int r = 0;

        if (entry->value.type != VALUE_OBJECT)
                return check_type_fault(check, "a table");
        string_list_deinit(list);
        json_text_walk(&walk, entry->value.text, entry->value.length);
        for (size_t i = 0; i < entry->n_items && json_text_next(&walk, &item) && !r; ++i)
                r = check_variable(check, &entry->items[i], &item.value, list);
        return r;
}

static int check_global(const Check *check, const Value *name, StringList *seen) {
        Place place = {check->place.source, name->line};
        const char *fault = name_fault(name->text, name->length, NAME_IDENTIFIER);
        char quoted[QUOTE_MAX];

        policy_quote(quoted, name->text, name->length);
        if (fault)
                return policy_complain(check->failure, &place, "'%s' sets '%s', which %s",
                                       check->key->name, quoted, fault);
        for (size_t i = 0; i < ARRAY_SIZE(reserved_globals); ++i)
                if (strcmp(name->text, reserved_globals[i]) == 0)
                        return policy_complain(check->failure, &place,
                                               "'%s' sets '%s', which is reserved",
                                               check->key->name, quoted);
        if (string_list_contains(seen, name->text, name->length))
                return policy_complain(check->failure, &place, "'%s' sets '%s' twice",
                                       check->key->name, quoted);
        if (seen->n_items == POLICY_LIST_MAX)
                return policy_complain(check->failure, &place, "'%s' sets more than %d names",
                                       check->key->name, POLICY_LIST_MAX);
        return string_list_add(seen, name->text, name->length);
}

static int check_globals_entry(const Check *check) {
        _cleanup_(string_list_deinitp) StringList seen = STRING_LIST_NULL;
        Entry *entry = check->entry;
        int r = 0;

        if (entry->value.type != VALUE_OBJECT)
                return check_type_fault(check, "a table");
        for (size_t i = 0; i < entry->n_items && !r; ++i)
                r = check_global(check, &entry->items[i], &seen);
        if (r)
                return r;
        free(check->policy->extra_globals);
        check->policy->extra_globals = take_ptr(&entry->value.text);
        check->policy->extra_globals_length = entry->value.length;
        return 0;
}

static int check_unknown(const Entry *entry, const Place *place, Failure *failure) {
        char quoted[QUOTE_MAX];
        const char *nearest;
        bool near;

        policy_quote(quoted, entry->key, entry->key_length);
        nearest = schema_nearest(entry->key, entry->key_length, &near);
        return policy_complain(failure, place,
                               near ? "unknown key '%s': did you mean '%s'?"
                                    : "unknown key '%s': the nearest known key is '%s'",
                               quoted, nearest);
}

static int check_value(const Check *check) {
        switch (check->key->type) {
        case SCHEMA_CHOICE:
                return check_choice(check);
        case SCHEMA_BOOLEAN:
                return check_boolean(check);
        case SCHEMA_NUMBER:
                return check_number(check);
        case SCHEMA_SECONDS:
                return check_seconds(check);
        case SCHEMA_NAMES:
                return check_names(check);
        case SCHEMA_PATHS:
                return check_paths(check);
        case SCHEMA_VARIABLES:
                return check_variables(check);
        case SCHEMA_GLOBALS:
        default:
                return check_globals_entry(check);
        }
}

/* The table itself, where it is no table, comes as an entry of its name. */
static bool is_policy_table(const Entry *entry) {
        return !entry->nested && entry->key_length == strlen(POLICY_TABLE) &&
               memcmp(entry->key, POLICY_TABLE, strlen(POLICY_TABLE)) == 0;
}

/* Of a preset, not of a value: no key of the schema. */
static bool is_extends(const Entry *entry) {
        return entry->key_length == strlen(EXTENDS) &&
               memcmp(entry->key, EXTENDS, strlen(EXTENDS)) == 0;
}

int check_extends(const Document *document,
                  const char *source,
                  const Preset **presetp,
                  Failure *failure) {
        const Entry *found = NULL;
        char quoted[QUOTE_MAX], advice[PRESET_ADVICE_MAX];

        *presetp = NULL;
        for (size_t i = 0; i < document->n_entries; ++i) {
                const Entry *entry = &document->entries[i];
                const Value *value = &entry->value;
                Place place = {source, value->line};

                if (!is_extends(entry))
                        continue;
                if (found)
                        return policy_complain(failure, &place,
                                               "'" EXTENDS "' is set twice, first in line %u",
                                               found->value.line);
                if (value->type != VALUE_STRING)
                        return policy_complain(failure, &place,
                                               "'" EXTENDS "' must be the name of a preset, not %s",
                                               value_type_name(value->type));
                found = entry;
                *presetp = preset_find(value->text, value->length);
                if (*presetp)
                        continue;
                preset_advise(value->text, value->length, advice, sizeof(advice));
                return policy_complain(failure, &place, "'" EXTENDS "': no preset '%s': %s",
                                       policy_quote(quoted, value->text, value->length), advice);
        }
        return 0;
}

int check_document(Policy *policy, Document *document, const char *source, Failure *failure) {
        bool seen[SCHEMA_KEYS] = {false};

        for (size_t i = 0; i < document->n_entries; ++i) {
                Entry *entry = &document->entries[i];
                Place place = {source, entry->value.line};
                const SchemaKey *key = schema_find(entry->key, entry->key_length);
                Check check = {key, entry, policy, place, failure};
                size_t row;
                int r;

                if (is_policy_table(entry))
                        return policy_complain(failure, &place, "'policy' must be a table, not %s",
                                               value_type_name(entry->value.type));
                if (!key && !is_extends(entry))
                        return check_unknown(entry, &place, failure);
                if (document->policy_line > 0 && !entry->nested)
                        return policy_complain(failure, &place,
                                               "'%s' stands outside of the table 'policy' of line "
                                               "%u: put all keys in one of the two places",
                                               key ? key->name : EXTENDS, document->policy_line);
                if (!key)
                        continue;
                row = (size_t)(key - schema_keys);
                if (seen[row])
                        return policy_complain(failure, &place,
                                               "'%s' is set twice, first in line %u", key->name,
                                               policy->origins[row].line);
                seen[row] = true;
                policy->origins[row] = (PolicyOrigin){POLICY_ORIGIN_FILE, place.line};
                r = check_value(&check);
                if (r)
                        return r;
        }
        return 0;
}

int check_globals(Policy *policy, Entry *entry, const char *source, Failure *failure) {
        Check check = {
                .key = schema_at(offsetof(Policy, extra_globals)),
                .entry = entry,
                .policy = policy,
                .place = {source, 0},
                .failure = failure,
        };

        return check_globals_entry(&check);
}

int check_stored(const SchemaKey *key, uint64_t stored, Failure *failure) {
        Place place = {NULL, 0};

        if (key->type == SCHEMA_SECONDS && !key->or_zero && stored == 0)
                return policy_complain(failure, &place, "'%s' must be more than 0", key->name);
        if (stored > key->max * key->unit)
                return policy_complain(failure, &place, "'%s' must be at most %" PRIu64, key->name,
                                       key->max);
        if (stored < key->min * key->unit)
                return policy_complain(failure, &place, "'%s' must be at least %" PRIu64, key->name,
                                       key->min);
        return 0;
}
