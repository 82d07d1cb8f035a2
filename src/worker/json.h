#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * JSON: CPython's own reader and writer, without the Python part of its json module
 */
#include "worker/pyapi.h"

typedef struct JsonTools JsonTools;

/* Deeper text is refused in both directions: CPython's reader recurses, and before 3.12 the depth
 * it reaches is the recursion limit of 1000. */
#define JSON_DEPTH_MAX 900

struct JsonTools {
        PyObject *scan;          /* _json.make_scanner(…) with the defaults of json.loads */
        PyObject *make_encoder;  /* _json.make_encoder */
        PyObject *encode_string; /* _json.encode_basestring_ascii */
        PyObject *text;          /* str, the conversion of what JSON lacks */
};

/* 0, or -1 with an exception set. */
int json_tools_init(JsonTools *tools);

/* The value of @text, UTF-8 or escaped, as json.loads() gives it. On failure NULL with a ValueError
 * whose text completes "@subject is …", or a MemoryError. */
PyObject *json_decode(const JsonTools *tools, const char *text, size_t length, const char *subject);

/* What json.dumps(value, default=str) gives, in ASCII, as one str; NULL with an exception set. The
 * text is at most @max bytes; where it would be longer, @sizep says how long and None is
 * returned. */
PyObject *json_encode(const JsonTools *tools, PyObject *value, size_t max, size_t *sizep);
