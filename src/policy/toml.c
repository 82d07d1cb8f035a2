/* SPDX-License-Identifier: MIT */
/*
 * toml++ builds a tree and frees it by recursion, and bounds the nesting of values but not that of
 * dotted keys. So brackets and dots are counted first, in a pass that knows just enough of TOML to
 * skip strings and comments. A text that passes can still nest a few times POLICY_DEPTH_MAX (arrays
 * of tables, a value under a header), which recursion bears; depth_check() then counts exactly.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json-write.h"
#include "policy/complain.h"
#include "policy/policy.h"
#include "policy/toml-shim.h"
#include "policy/toml.h"

typedef struct Nesting {
        unsigned int level; /* open brackets */
        unsigned int total; /* these, and the dots of the keys that lead here */
        uint16_t dots[POLICY_DEPTH_MAX + 1];
} Nesting;

/* Steps over the string whose first quote stands at @at; one that does not end reaches to the end
 * of its line or text, and the parser complains later. */
static size_t string_skip(const char *text, size_t at, size_t length) {
        char quote = text[at];
        bool escapes = quote == '"';
        bool multiline = length - at >= 3 && text[at + 1] == quote && text[at + 2] == quote;
        size_t run = 0; /* of quotes just seen */

        for (at += multiline ? 3 : 1; at < length; ++at) {
                if (text[at] == quote) {
                        if (!multiline)
                                return at + 1;
                        ++run;
                        continue;
                }
                /* the quotes that end a text may follow up to two that belong to it */
                if (run >= 3)
                        return at;
                run = 0;
                if (text[at] == '\\' && escapes)
                        ++at;
                else if (text[at] == '\n' && !multiline)
                        return at;
        }
        return length;
}

static size_t comment_skip(const char *text, size_t at, size_t length) {
        const char *end = memchr(text + at, '\n', length - at);

        return end ? (size_t)(end - text) : length;
}

/* Counts one character outside of strings and comments; false where it nests too deeply. */
static bool nesting_step(Nesting *nesting, char c) {
        switch (c) {
        case '[':
        case '{':
                if (nesting->total++ == POLICY_DEPTH_MAX)
                        return false;
                nesting->dots[++nesting->level] = 0;
                return true;
        case ']':
        case '}':
                if (nesting->level > 0)
                        nesting->total -= 1u + nesting->dots[nesting->level--];
                return true;
        case '.':
                ++nesting->dots[nesting->level];
                return nesting->total++ < POLICY_DEPTH_MAX;
        case ',':
        case '\n':
                nesting->total -= nesting->dots[nesting->level];
                nesting->dots[nesting->level] = 0;
                return true;
        default:
                return true;
        }
}

static int nesting_check(const char *text, size_t length, const char *source, Failure *failure) {
        Nesting nesting = {.level = 0};
        Place place = {source, 1};
        size_t at = 0, counted = 0;

        while (at < length) {
                if (text[at] == '"' || text[at] == '\'') {
                        at = string_skip(text, at, length);
                        continue;
                }
                if (text[at] == '#') {
                        at = comment_skip(text, at, length);
                        continue;
                }
                if (!nesting_step(&nesting, text[at])) {
                        for (; counted < at; ++counted)
                                place.line += text[counted] == '\n';
                        return policy_complain(failure, &place, "nested too deeply");
                }
                ++at;
        }
        return 0;
}

static int depth_check(const TomlItem *items, size_t n, const char *source, Failure *failure) {
        for (size_t i = 0; i < n; ++i) {
                Place place = {source, items[i].line};

                if (items[i].depth + 1 >= POLICY_DEPTH_MAX) /* the root counts, too */
                        return policy_complain(failure, &place, "nested too deeply");
        }
        return 0;
}

/* The index behind the item at @at and all that is inside it. */
static size_t items_end(const TomlItem *items, size_t n, size_t at) {
        unsigned int depth = items[at].depth;

        for (++at; at < n && items[at].depth > depth; ++at)
                continue;
        return at;
}

static int write_scalar(Buffer *buffer, const TomlItem *item) {
        char digits[24];

        switch (item->type) {
        case TOML_INTEGER:
                (void)snprintf(digits, sizeof(digits), "%" PRId64, item->integer);
                return buffer_append(buffer, digits, strlen(digits));
        case TOML_BOOLEAN:
                return item->integer ? buffer_append(buffer, "true", 4)
                                     : buffer_append(buffer, "false", 5);
        case TOML_REAL:
                return buffer_append(buffer, item->text, item->text_length);
        case TOML_STRING:
        case TOML_DATE:
        case TOML_TABLE:
        case TOML_ARRAY:
        default:
                return json_write_string(buffer, item->text, item->text_length);
        }
}

/* The tables and arrays that are open, as their closing brackets. */
typedef struct Brackets {
        unsigned int n;
        char closing[POLICY_DEPTH_MAX];
} Brackets;

static int brackets_open(Brackets *brackets, Buffer *buffer, TomlType type) {
        brackets->closing[brackets->n++] = type == TOML_TABLE ? '}' : ']';
        return buffer_append(buffer, type == TOML_TABLE ? "{" : "[", 1);
}

static int brackets_close(Brackets *brackets, Buffer *buffer, unsigned int keep) {
        int r = 0;

        while (!r && brackets->n > keep)
                r = buffer_append(buffer, &brackets->closing[--brackets->n], 1);
        return r;
}

/* Writes one item below the table; @first says that its container has none before it. */
static int write_item(Buffer *buffer, Brackets *brackets, const TomlItem *item, bool first) {
        int r = first ? 0 : buffer_append(buffer, ",", 1);

        if (!r && item->key) {
                r = json_write_string(buffer, item->key, item->key_length);
                if (!r)
                        r = buffer_append(buffer, ":", 1);
        }
        if (r)
                return r;
        if (item->type == TOML_TABLE || item->type == TOML_ARRAY)
                return brackets_open(brackets, buffer, item->type);
        return write_scalar(buffer, item);
}

/* The table at @items[0], @n items with all inside it, as JSON on one line. */
static int write_table(Buffer *buffer, const TomlItem *items, size_t n) {
        Brackets brackets = {.n = 0};
        int r = brackets_open(&brackets, buffer, TOML_TABLE);

        for (size_t i = 1; i < n && !r; ++i) {
                unsigned int depth = items[i].depth - items[0].depth;
                /* one deeper than the item before it: that is its container */
                bool first = items[i].depth > items[i - 1].depth;

                r = brackets_close(&brackets, buffer, depth);
                if (!r)
                        r = write_item(buffer, &brackets, &items[i], first);
        }
        return r ? r : brackets_close(&brackets, buffer, 0);
}

static int read_table(Entry *entry, const TomlItem *items, size_t n) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        int r;

        for (size_t i = 1; i < n; ++i) {
                Value *name;

                if (items[i].depth != items[0].depth + 1)
                        continue;
                r = entry_add_item(entry, &name);
                if (!r)
                        r = value_set_text(name, items[i].key, items[i].key_length);
                if (r)
                        return r;
                name->type = VALUE_STRING;
                name->line = items[i].line;
        }
        buffer_init(&buffer, SIZE_MAX / 2);
        r = write_table(&buffer, items, n);
        if (r)
                return -ENOMEM;
        entry->value.text = buffer_steal(&buffer, &entry->value.length);
        return entry->value.text ? 0 : -ENOMEM;
}

static ValueType value_type(TomlType type) {
        static const ValueType types[] = {
                [TOML_TABLE] = VALUE_OBJECT,  [TOML_ARRAY] = VALUE_LIST,
                [TOML_STRING] = VALUE_STRING, [TOML_INTEGER] = VALUE_INTEGER,
                [TOML_REAL] = VALUE_REAL,     [TOML_BOOLEAN] = VALUE_BOOLEAN,
                [TOML_DATE] = VALUE_DATE,
        };

        return types[type];
}

static int read_scalar(Value *value, const TomlItem *item) {
        char digits[24];

        value->type = value_type(item->type);
        value->line = item->line;
        value->integer = item->integer;
        value->real = item->real;
        if (item->text)
                return value_set_text(value, item->text, item->text_length);
        if (item->type != TOML_INTEGER)
                return 0;
        (void)snprintf(digits, sizeof(digits), "%" PRId64, item->integer);
        return value_set_text(value, digits, strlen(digits));
}

static int read_list(Entry *entry, const TomlItem *items, size_t n) {
        for (size_t i = 1; i < n; ++i) {
                Value *item;
                int r;

                if (items[i].depth != items[0].depth + 1)
                        continue;
                r = entry_add_item(entry, &item);
                if (!r)
                        r = read_scalar(item, &items[i]);
                if (r)
                        return r;
        }
        return 0;
}

/* The key at @items[0] with the @n items of its value. */
static int read_entry(Document *document, const TomlItem *items, size_t n, bool nested) {
        Entry *entry;
        int r;

        r = document_add(document, items[0].key, items[0].key_length, &entry);
        if (!r)
                r = read_scalar(&entry->value, &items[0]);
        if (r)
                return r;
        entry->nested = nested;
        if (items[0].type == TOML_TABLE)
                return read_table(entry, items, n);
        return items[0].type == TOML_ARRAY ? read_list(entry, items, n) : 0;
}

static bool is_policy_table(const TomlItem *item) {
        return item->depth == 0 && item->type == TOML_TABLE &&
               item->key_length == strlen("policy") && memcmp(item->key, "policy", 6) == 0;
}

static int read_items(Document *document, const TomlItem *items, size_t n) {
        size_t policy_end = 0, end;
        int r = 0;

        for (size_t at = 0; at < n && !r; at = end) {
                end = items_end(items, n, at);
                if (is_policy_table(&items[at])) {
                        document->policy_line = items[at].line;
                        policy_end = end;
                        end = at + 1; /* go on inside it */
                        continue;
                }
                r = read_entry(document, &items[at], end - at, at < policy_end);
        }
        return r;
}

static TomlText *text_free(TomlText *text) {
        return text ? toml_text_free(text) : NULL;
}

DEFINE_CLEANUP(TomlText *, text_free)

int toml_read(
        Document *document, const char *text, size_t length, const char *source, Failure *failure) {
        _cleanup_(document_deinitp) Document read = DOCUMENT_NULL;
        _cleanup_(text_freep) TomlText *parsed = NULL;
        TomlFault fault;
        const TomlItem *items;
        size_t n;
        int r;

        r = nesting_check(text, length, source, failure);
        if (r)
                return r;
        r = toml_text_parse(&parsed, text, length, &fault);
        if (r == TOML_E_SYNTAX) {
                Place place = {source, fault.line};

                return policy_complain(failure, &place, "%s", fault.reason);
        }
        if (r)
                return r;
        items = toml_text_items(parsed, &n);
        r = depth_check(items, n, source, failure);
        if (!r)
                r = read_items(&read, items, n);
        if (r)
                return r;
        document_sort(&read);
        *document = read;
        read = DOCUMENT_NULL;
        return 0;
}
