#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * JSON text: checking and walking it without parsing it
 *
 * Input, results and extra_globals pass through us as opaque text, so that whatever CPython's json
 * writes arrives as it was written. The check is all we do to it: syntax, depth and UTF-8, in one
 * pass without recursion and without memory, before anyone recurses over it. It accepts what
 * CPython's json accepts in strict mode: NaN, Infinity, -Infinity, numbers of any size, escapes of
 * lone surrogates, repeated keys.
 *
 * The walk visits the items of one object or array of a checked text as slices of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct JsonTextFault JsonTextFault;
typedef struct JsonTextItem JsonTextItem;
typedef struct JsonTextSlice JsonTextSlice;
typedef struct JsonTextWalk JsonTextWalk;

#define JSON_TEXT_DEPTH_MAX 8192 /* the deepest nesting that can be asked for */

enum {
        _JSON_TEXT_E_SUCCESS,
        JSON_TEXT_E_INVALID, /* not one JSON value */
        JSON_TEXT_E_DEPTH,   /* nested deeper than allowed */
        JSON_TEXT_E_ROOM,    /* the decoded string does not fit */
};

typedef enum JsonTextKind {
        JSON_TEXT_OBJECT,
        JSON_TEXT_ARRAY,
        JSON_TEXT_STRING,
        JSON_TEXT_NUMBER, /* also NaN, Infinity and -Infinity */
        JSON_TEXT_BOOLEAN,
        JSON_TEXT_NULL,
} JsonTextKind;

struct JsonTextFault {
        size_t offset;      /* of the first byte that is wrong */
        const char *reason; /* static, "expected a value" */
};

struct JsonTextSlice {
        const char *start;
        size_t length;
};

struct JsonTextItem {
        JsonTextSlice key;   /* between its quotes, escapes as written; {NULL, 0} in an array */
        JsonTextSlice value; /* without space around it */
};

struct JsonTextWalk {
        const char *at, *end;
        bool object;
};

/* Returns 0, JSON_TEXT_E_INVALID or JSON_TEXT_E_DEPTH; then @fault, unless NULL, says where and
 * why. A container counts one, a scalar nothing: "[[1]]" passes with a @depth_max of 2. */
int json_text_check(const char *text, size_t length, unsigned int depth_max, JsonTextFault *fault);
/* Counted from 1. */
unsigned int json_text_line(const char *text, size_t offset);

/* All below want text that passed the check. */
JsonTextKind json_text_kind(const char *text, size_t length);
/* Starts a walk over the items of the object or array that @text is. */
void json_text_walk(JsonTextWalk *walk, const char *text, size_t length);
bool json_text_next(JsonTextWalk *walk, JsonTextItem *item);
/* Decodes what stands between the quotes of a string. Returns 0, JSON_TEXT_E_ROOM where @room
 * bytes are too few, or JSON_TEXT_E_INVALID for a lone surrogate, which UTF-8 cannot hold. */
int json_text_unescape(const JsonTextSlice *raw, char *out, size_t room, size_t *lengthp);
