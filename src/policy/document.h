#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Document: what a policy file says, whatever its syntax
 *
 * A flat list of key, line and typed value. The readers (toml.h, json.h) fill it and judge nothing
 * but syntax; check.h judges it, once for both.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct Document Document;
typedef struct Entry Entry;
typedef struct Value Value;

typedef enum ValueType {
        VALUE_NULL,
        VALUE_BOOLEAN, /* @integer, 1 or 0 */
        VALUE_INTEGER, /* @integer, held at the ends of its range where it would not fit */
        VALUE_REAL,    /* @real, also infinite and NaN */
        VALUE_DATE,
        VALUE_STRING,
        VALUE_LIST,
        VALUE_OBJECT,
        _VALUE_TYPE_N,
} ValueType;

struct Value {
        ValueType type;
        unsigned int line; /* from 1; 0 = unknown */
        int64_t integer;
        double real;
        /* Owned, NUL-terminated. A string: itself; an object: its JSON on one line; a number: as it
         * was written; else NULL. May hold NULs. */
        char *text;
        size_t length;
};

struct Entry {
        char *key; /* owned, NUL-terminated, may hold NULs */
        size_t key_length;
        bool nested;  /* under [policy] */
        Value value;  /* its line is the key's */
        Value *items; /* of a list: its items; of an object: its keys, as strings */
        size_t n_items;
};

struct Document {
        unsigned int policy_line; /* of [policy]; 0 = there is none */
        Entry *entries;           /* in the order of their lines */
        size_t n_entries;
};

#define DOCUMENT_NULL                                                                              \
        (Document) {                                                                               \
                .entries = NULL                                                                    \
        }

void document_deinit(Document *document);
/* Adds an entry whose value is null yet. *entryp is borrowed, until the next call. */
int document_add(Document *document, const char *key, size_t length, Entry **entryp);
/* Adds an item that is null yet. *itemp is borrowed, until the next call. */
int entry_add_item(Entry *entry, Value **itemp);
/* Copies @text. */
int value_set_text(Value *value, const char *text, size_t length);
/* For a text whose lines mean nothing to anybody. */
void document_drop_lines(Document *document);
/* Brings the entries into the order of their lines. */
void document_sort(Document *document);

/* "a string", "a whole number", … */
const char *value_type_name(ValueType type);

static inline void document_deinitp(Document *document) {
        document_deinit(document);
}
