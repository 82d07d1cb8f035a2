/* SPDX-License-Identifier: MIT */
/*
 * The text is checked as a whole and walked, so that each key has its line and extra_globals stays
 * the text it is: jansson would lose what CPython's json knows beyond it (integers of any size,
 * NaN, lone surrogates). The scalars the policy itself is made of are jansson's to decode.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json-text.h"
#include "base/json-write.h"
#include "policy/complain.h"
#include "policy/json.h"
#include "policy/policy.h"

#define POLICY_TABLE "policy"

/* The text under way, with the place of its last item for the counting of lines. */
typedef struct Reader {
        const char *text;
        size_t length;
        const char *counted; /* up to here lines have been counted */
        Place place;
        Document *document;
        Failure *failure;
} Reader;

static void json_freep(json_t **jsonp) {
        json_decref(*jsonp);
}

/* Items come in the order of the text, so every line is counted once. */
static unsigned int reader_line_of(Reader *reader, const char *at) {
        for (; reader->counted < at; ++reader->counted)
                reader->place.line += *reader->counted == '\n';
        return reader->place.line;
}

static json_t *scalar_decode(const JsonTextSlice *slice, json_error_t *error) {
        return json_loadb(slice->start, slice->length,
                          JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, error);
}

static bool slice_is(const JsonTextSlice *slice, const char *text) {
        return slice->length == strlen(text) && memcmp(slice->start, text, slice->length) == 0;
}

/* Values so far out that a double or an int64_t cannot hold them end at infinity or at its ends;
 * no range reaches there. */
static void number_decode(Value *value, const JsonTextSlice *slice) {
        _cleanup_(json_freep) json_t *number = NULL;
        json_error_t error;

        number = scalar_decode(slice, &error);
        if (number)
                value->real = json_real_value(number);
        else if (slice_is(slice, "NaN"))
                value->real = NAN;
        else
                value->real = slice->start[0] == '-' ? -INFINITY : INFINITY;
        value->type = VALUE_REAL;
        if (!number || memchr(slice->start, '.', slice->length) ||
            memchr(slice->start, 'e', slice->length) || memchr(slice->start, 'E', slice->length))
                return;
        value->type = VALUE_INTEGER;
        if (fabs(value->real) < 0x1p62)
                value->integer = (int64_t)value->real;
        else
                value->integer = value->real < 0 ? INT64_MIN : INT64_MAX;
}

static int string_decode(Reader *reader, Value *value, const JsonTextSlice *slice) {
        _cleanup_(json_freep) json_t *string = NULL;
        json_error_t error;

        string = scalar_decode(slice, &error);
        if (!string && json_error_code(&error) == json_error_out_of_memory)
                return -ENOMEM;
        if (!string)
                return policy_complain(reader->failure, &reader->place, "%s", error.text);
        value->type = VALUE_STRING;
        return value_set_text(value, json_string_value(string), json_string_length(string));
}

/* Everything but the items of a list and the keys of an object. */
static int reader_value(Reader *reader, Value *value, const JsonTextSlice *slice) {
        switch (json_text_kind(slice->start, slice->length)) {
        case JSON_TEXT_STRING:
                return string_decode(reader, value, slice);
        case JSON_TEXT_NUMBER:
                number_decode(value, slice);
                return value_set_text(value, slice->start, slice->length);
        case JSON_TEXT_OBJECT:
                value->type = VALUE_OBJECT;
                return 0;
        case JSON_TEXT_ARRAY:
                value->type = VALUE_LIST;
                return 0;
        case JSON_TEXT_BOOLEAN:
                value->type = VALUE_BOOLEAN;
                value->integer = slice_is(slice, "true");
                return 0;
        case JSON_TEXT_NULL:
        default:
                value->type = VALUE_NULL;
                return 0;
        }
}

/* The slice of a key with its quotes: a string like any other. */
static JsonTextSlice key_string(const JsonTextItem *item) {
        return (JsonTextSlice){item->key.start - 1, item->key.length + 2};
}

static int reader_items(Reader *reader, Entry *entry, const JsonTextSlice *slice) {
        JsonTextWalk walk;
        JsonTextItem item;

        json_text_walk(&walk, slice->start, slice->length);
        while (json_text_next(&walk, &item)) {
                JsonTextSlice part = walk.object ? key_string(&item) : item.value;
                Value *value;
                int r;

                r = entry_add_item(entry, &value);
                if (r)
                        return r;
                value->line = reader_line_of(reader, part.start);
                r = reader_value(reader, value, &part);
                if (r)
                        return r;
        }
        return 0;
}

static int value_set_object(Value *value, const JsonTextSlice *slice) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;

        buffer_init(&buffer, slice->length);
        if (json_write_compact(&buffer, slice->start, slice->length))
                return -ENOMEM;
        value->text = buffer_steal(&buffer, &value->length);
        return value->text ? 0 : -ENOMEM;
}

static int reader_fill(Reader *reader, Entry *entry, const JsonTextSlice *slice) {
        int r;

        entry->value.line = reader->place.line;
        r = reader_value(reader, &entry->value, slice);
        if (!r && entry->value.type == VALUE_OBJECT)
                r = value_set_object(&entry->value, slice);
        if (!r && (entry->value.type == VALUE_OBJECT || entry->value.type == VALUE_LIST))
                r = reader_items(reader, entry, slice);
        return r;
}

static int reader_entry(Reader *reader, const Value *key, const JsonTextSlice *slice, bool nested) {
        Entry *entry;
        int r;

        r = document_add(reader->document, key->text, key->length, &entry);
        if (r)
                return r;
        entry->nested = nested;
        return reader_fill(reader, entry, slice);
}

static bool is_policy_table(const Value *key, const JsonTextItem *item) {
        return key->length == strlen(POLICY_TABLE) &&
               memcmp(key->text, POLICY_TABLE, key->length) == 0 &&
               json_text_kind(item->value.start, item->value.length) == JSON_TEXT_OBJECT;
}

static int reader_table(Reader *reader, const JsonTextSlice *slice, bool nested);

static int reader_member(Reader *reader, const JsonTextItem *item, bool nested) {
        JsonTextSlice string = key_string(item);
        Value key = {.type = VALUE_NULL};
        int r;

        reader_line_of(reader, string.start);
        r = string_decode(reader, &key, &string);
        if (r)
                return r;
        if (nested || !is_policy_table(&key, item))
                r = reader_entry(reader, &key, &item->value, nested);
        else if (reader->document->policy_line > 0)
                r = policy_complain(reader->failure, &reader->place,
                                    "'policy' is set twice, first in line %u",
                                    reader->document->policy_line);
        else
                r = reader_table(reader, &item->value, true);
        free(key.text);
        return r;
}

/* The root, or the table 'policy' in it; no deeper. */
static int reader_table(Reader *reader, const JsonTextSlice *slice, bool nested) {
        JsonTextWalk walk;
        JsonTextItem item;
        int r = 0;

        if (nested)
                reader->document->policy_line = reader->place.line;
        json_text_walk(&walk, slice->start, slice->length);
        while (!r && json_text_next(&walk, &item))
                r = reader_member(reader, &item, nested);
        return r;
}

/* The checked text without the space around it. */
static int reader_check(Reader *reader, JsonTextSlice *rootp) {
        const char *start = reader->text;
        JsonTextFault fault;

        if (json_text_check(reader->text, reader->length, POLICY_DEPTH_MAX, &fault)) {
                reader_line_of(reader, reader->text + fault.offset);
                return policy_complain(reader->failure, &reader->place, "%s", fault.reason);
        }
        if (json_text_kind(reader->text, reader->length) != JSON_TEXT_OBJECT)
                return policy_complain(reader->failure, &reader->place, "expected an object");
        while (*start != '{')
                ++start;
        *rootp = (JsonTextSlice){start, reader->length - (size_t)(start - reader->text)};
        return 0;
}

int json_read(
        Document *document, const char *text, size_t length, const char *source, Failure *failure) {
        _cleanup_(document_deinitp) Document read = DOCUMENT_NULL;
        Reader reader = {text, length, text, {source, 1}, &read, failure};
        JsonTextSlice root;
        int r;

        r = reader_check(&reader, &root);
        if (!r)
                r = reader_table(&reader, &root, false);
        if (r)
                return r;
        *document = read;
        read = DOCUMENT_NULL;
        return 0;
}

int json_read_object(
        Document *document, const char *key, const char *text, size_t length, Failure *failure) {
        _cleanup_(document_deinitp) Document read = DOCUMENT_NULL;
        Reader reader = {text, length, text, {key, 1}, &read, failure};
        JsonTextSlice root;
        Entry *entry;
        int r;

        r = reader_check(&reader, &root);
        if (!r)
                r = document_add(&read, key, strlen(key), &entry);
        if (!r)
                r = reader_fill(&reader, entry, &root);
        if (r)
                return r;
        *document = read;
        read = DOCUMENT_NULL;
        return 0;
}
