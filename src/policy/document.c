/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/document.h"

static const char *const type_names[_VALUE_TYPE_N] = {
        [VALUE_NULL] = "null",          [VALUE_BOOLEAN] = "a boolean",
        [VALUE_INTEGER] = "an integer", [VALUE_REAL] = "a number with a fraction",
        [VALUE_DATE] = "a date",        [VALUE_STRING] = "a string",
        [VALUE_LIST] = "a list",        [VALUE_OBJECT] = "a table",
};

const char *value_type_name(ValueType type) {
        return type_names[type];
}

void document_deinit(Document *document) {
        for (size_t i = 0; i < document->n_entries; ++i) {
                Entry *entry = &document->entries[i];

                for (size_t j = 0; j < entry->n_items; ++j)
                        free(entry->items[j].text);
                free(entry->items);
                free(entry->value.text);
                free(entry->key);
        }
        free(document->entries);
        *document = DOCUMENT_NULL;
}

/* Makes room for one more behind the @n elements of @array. The capacity is the next power of two,
 * so it need not be kept. */
static void *array_grow(void *array, size_t n, size_t element) {
        if (n > 0 && (n & (n - 1)) != 0)
                return array;
        return reallocarray(array, n ? n * 2 : 1, element);
}

static char *bytes_dup(const char *bytes, size_t length) {
        char *copy = malloc(length + 1);

        if (!copy)
                return NULL;
        if (length > 0)
                memcpy(copy, bytes, length);
        copy[length] = '\0';
        return copy;
}

int document_add(Document *document, const char *key, size_t length, Entry **entryp) {
        Entry *entries = array_grow(document->entries, document->n_entries, sizeof(*entries));
        char *copy;

        if (!entries)
                return -ENOMEM;
        document->entries = entries;
        copy = bytes_dup(key, length);
        if (!copy)
                return -ENOMEM;
        *entryp = &entries[document->n_entries++];
        **entryp = (Entry){.key = copy, .key_length = length};
        return 0;
}

int entry_add_item(Entry *entry, Value **itemp) {
        Value *items = array_grow(entry->items, entry->n_items, sizeof(*items));

        if (!items)
                return -ENOMEM;
        entry->items = items;
        *itemp = &items[entry->n_items++];
        **itemp = (Value){.type = VALUE_NULL};
        return 0;
}

int value_set_text(Value *value, const char *text, size_t length) {
        char *copy = bytes_dup(text, length);

        if (!copy)
                return -ENOMEM;
        free(value->text);
        value->text = copy;
        value->length = length;
        return 0;
}

static int entry_compare(const void *a, const void *b) {
        unsigned int line_a = ((const Entry *)a)->value.line;
        unsigned int line_b = ((const Entry *)b)->value.line;

        return (line_a > line_b) - (line_a < line_b);
}

void document_drop_lines(Document *document) {
        for (size_t i = 0; i < document->n_entries; ++i) {
                Entry *entry = &document->entries[i];

                entry->value.line = 0;
                for (size_t j = 0; j < entry->n_items; ++j)
                        entry->items[j].line = 0;
        }
}

void document_sort(Document *document) {
        if (document->n_entries > 1)
                qsort(document->entries, document->n_entries, sizeof(*document->entries),
                      entry_compare);
}
