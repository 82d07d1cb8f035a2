#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * TOML shim: toml++ behind a C face
 *
 * A parsed text becomes one flat array: every key and value below the root, each before its
 * children, with its depth. So C walks it with an index, and no C++ type, exception or iterator
 * leaves toml-shim.cc.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TomlFault TomlFault;
typedef struct TomlItem TomlItem;
typedef struct TomlText TomlText;

enum {
        _TOML_E_SUCCESS,
        TOML_E_SYNTAX, /* TomlFault says where and why */
};

typedef enum TomlType {
        TOML_TABLE,
        TOML_ARRAY,
        TOML_STRING,
        TOML_INTEGER,
        TOML_REAL,
        TOML_BOOLEAN,
        TOML_DATE, /* dates, times and both */
} TomlType;

struct TomlItem {
        TomlType type;
        unsigned int depth; /* 0 = at the top level */
        unsigned int line;  /* of the key, in an array of the value */
        const char *key;    /* NULL in an array */
        size_t key_length;
        /* A string: itself; a date: ISO 8601; a real: as JSON, shortest form, where need be NaN,
         * Infinity or -Infinity; else NULL. */
        const char *text;
        size_t text_length;
        int64_t integer; /* also of a boolean */
        double real;
};

struct TomlFault {
        unsigned int line;
        char reason[200];
};

/* Returns 0, TOML_E_SYNTAX or -ENOMEM. The text may go afterwards. The parser recurses; the caller
 * has bounded the nesting. */
int toml_text_parse(TomlText **parsedp, const char *text, size_t length, TomlFault *fault);
TomlText *toml_text_free(TomlText *parsed);
/* Borrowed from @parsed. */
const TomlItem *toml_text_items(const TomlText *parsed, size_t *np);

#ifdef __cplusplus
}
#endif
