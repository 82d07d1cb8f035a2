#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Output: sys.stdout and sys.stderr as writers into the region
 *
 * output.c owns the two streams, output-text.c is the type of sys.stdout, output-bytes.c that of
 * sys.stdout.buffer. The types are made in the zygote, their objects in the worker.
 */
#include <stdbool.h>
#include <stdint.h>

#include "wire/region.h"
#include "worker/pyapi.h"

typedef struct Output Output;
typedef struct OutputTypes OutputTypes;
typedef struct OutputWriter OutputWriter;

struct OutputTypes {
        PyObject *text;  /* derived from io.TextIOBase */
        PyObject *bytes; /* derived from io.BufferedIOBase */
};

/* What our types add behind the fields of their base. An object that the user's code made of the
 * type, not we, has no output. */
struct OutputWriter {
        const Output *output;
        PyObject *buffer; /* of a text writer; NULL after detach() */
        RegionStream stream;
        bool closed;
};

struct Output {
        void *mapping; /* of the region */
        uint64_t cap;
        PyObject *text[_REGION_STREAM_N];
};

/* Zygote. 0, or -1 with an exception set. */
int output_types_init(OutputTypes *types);

/* Worker: makes the objects and sets sys.stdout, sys.stderr, sys.__stdout__ and sys.__stderr__.
 * @output is theirs until the process ends. 0, or -1 with an exception set. */
int output_install(Output *output, const OutputTypes *types, void *mapping, uint64_t cap);

/* Never fails. */
static inline void
output_append(const Output *output, RegionStream stream, const void *bytes, size_t length) {
        region_append(output->mapping, stream, output->cap, bytes, length);
}

/* Appends a str as UTF-8, lone surrogates as "\udc80". Returns its length in characters, or -1 with
 * an exception set: a TypeError where @text is no str, else for want of memory. */
Py_ssize_t output_append_text(const Output *output, RegionStream stream, PyObject *text);

/* sys.stdout, sys.stderr as they are now: flushed unless they are ours. */
void output_flush_replaced(const Output *output);

/* For the two types: makes one with OutputWriter behind the fields of _io.@base_name
 * ("_TextIOBase", then it counts as an io.TextIOBase), makes an object of it, and finds the writer
 * in an object. */
PyObject *output_type_new(const char *base_name, PyType_Spec *spec, Py_ssize_t *offsetp);
PyObject *output_object_new(PyObject *type, Py_ssize_t offset, const OutputWriter *writer);

static inline OutputWriter *output_writer(PyObject *object, Py_ssize_t offset) {
        return (OutputWriter *)(void *)((char *)object + offset);
}

/* NULL with a ValueError where @writer is closed, detached or not ours; else @writer. */
OutputWriter *output_writer_check(OutputWriter *writer);

PyObject *output_text_type_new(void);
PyObject *output_text_new(PyObject *type, const OutputWriter *writer);
PyObject *output_bytes_type_new(void);
PyObject *output_bytes_new(PyObject *type, const OutputWriter *writer);
void output_bytes_close(PyObject *bytes);
bool output_bytes_is_closed(PyObject *bytes);
