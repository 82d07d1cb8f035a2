/* SPDX-License-Identifier: MIT */
/*
 * sys.stdout without a pipe
 *
 * print() ends in a C function that appends to the region, an atomic add and a memcpy: no system
 * call, no lock, nothing that can block, nothing that is lost when the process is killed the next
 * moment, and no buffer to flush. A forked child writes to the same region. Descriptors 1 and 2
 * stay pipes for whatever writes there without asking Python, and fileno() names them.
 *
 * The types derive from the bases of io's own types in C, whose instances are larger than the
 * limited API tells. So the size is read from the base when the type is made, and our fields lie
 * behind it, at an offset known only then. (io.TextIOBase itself has a metaclass, which a type made
 * in C may not have in 3.14.) The objects live until the process ends; nothing frees them.
 *
 * Whoever owns the process can write into the mapping anyway. These types exist to be fast and to
 * behave like files; nothing relies on their being honest.
 */
#include "worker/output.h"

/* Characters encoded at a time: bounds the memory that printing a large string takes. */
#define OUTPUT_SLICE 65536

int output_types_init(OutputTypes *types) {
        types->text = output_text_type_new();
        types->bytes = types->text ? output_bytes_type_new() : NULL;
        return types->bytes ? 0 : -1;
}

/* The size of the objects of @base, rounded up to where an OutputWriter can lie; -1 with an
 * exception set. */
static Py_ssize_t output_type_offset(PyObject *base) {
        const Py_ssize_t alignment = _Alignof(OutputWriter);
        _cleanup_(py_unrefp) PyObject *size = NULL;
        Py_ssize_t offset;

        size = PyObject_GetAttrString(base, "__basicsize__");
        offset = size ? PyLong_AsSsize_t(size) : -1;
        return offset < 0 ? -1 : (offset + alignment - 1) & ~(alignment - 1);
}

/* Makes @type an io.@name to isinstance(). */
static int output_type_register(PyObject *type, const char *name) {
        _cleanup_(py_unrefp) PyObject *abstract = NULL;
        _cleanup_(py_unrefp) PyObject *module = NULL;
        _cleanup_(py_unrefp) PyObject *answer = NULL;

        module = PyImport_ImportModule("io");
        abstract = module ? PyObject_GetAttrString(module, name) : NULL;
        answer = abstract ? PyObject_CallMethod(abstract, "register", "O", type) : NULL;
        return answer ? 0 : -1;
}

PyObject *output_type_new(const char *base_name, PyType_Spec *spec, Py_ssize_t *offsetp) {
        _cleanup_(py_unrefp) PyObject *module = NULL;
        _cleanup_(py_unrefp) PyObject *bases = NULL;
        _cleanup_(py_unrefp) PyObject *base = NULL;
        _cleanup_(py_unrefp) PyObject *type = NULL;
        Py_ssize_t offset;

        module = PyImport_ImportModule("_io");
        base = module ? PyObject_GetAttrString(module, base_name) : NULL;
        offset = base ? output_type_offset(base) : -1;
        bases = offset < 0 ? NULL : PyTuple_Pack(1, base);
        if (!bases)
                return NULL;
        spec->basicsize = (int)(offset + (Py_ssize_t)sizeof(OutputWriter));
        type = PyType_FromSpecWithBases(spec, bases);
        if (!type || output_type_register(type, base_name + 1) < 0)
                return NULL;
        *offsetp = offset;
        return take_ptr(&type);
}

PyObject *output_object_new(PyObject *type, Py_ssize_t offset, const OutputWriter *writer) {
        PyObject *object = PyType_GenericAlloc((PyTypeObject *)type, 0);

        if (object)
                *output_writer(object, offset) = *writer;
        return object;
}

OutputWriter *output_writer_check(OutputWriter *writer) {
        if (writer->closed)
                PyErr_SetString(PyExc_ValueError, "I/O operation on closed file.");
        else if (!writer->output)
                PyErr_SetString(PyExc_ValueError, "underlying buffer has been detached");
        else
                return writer;
        return NULL;
}

int output_install(Output *output, const OutputTypes *types, void *mapping, uint64_t cap) {
        static const char *const names[][2] = {
                [REGION_STDOUT] = {"stdout", "__stdout__"},
                [REGION_STDERR] = {"stderr", "__stderr__"},
        };

        output->mapping = mapping;
        output->cap = cap;
        for (RegionStream stream = REGION_STDOUT; stream < _REGION_STREAM_N; ++stream) {
                OutputWriter writer = {.output = output, .stream = stream};

                writer.buffer = output_bytes_new(types->bytes, &writer);
                if (!writer.buffer)
                        return -1;
                output->text[stream] = output_text_new(types->text, &writer);
                if (!output->text[stream] ||
                    PySys_SetObject(names[stream][0], output->text[stream]) < 0 ||
                    PySys_SetObject(names[stream][1], output->text[stream]) < 0)
                        return -1;
        }
        return 0;
}

static int output_append_slice(const Output *output, RegionStream stream, PyObject *text) {
        _cleanup_(py_unrefp) PyObject *encoded = NULL;
        const char *bytes;
        Py_ssize_t length;

        bytes = PyUnicode_AsUTF8AndSize(text, &length);
        if (!bytes) {
                if (!PyErr_ExceptionMatches(PyExc_UnicodeError))
                        return -1;
                PyErr_Clear(); /* lone surrogates */
                encoded = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
                if (!encoded)
                        return -1;
                bytes = PyBytes_AsString(encoded);
                length = PyBytes_Size(encoded);
        }
        output_append(output, stream, bytes, (size_t)length);
        return 0;
}

Py_ssize_t output_append_text(const Output *output, RegionStream stream, PyObject *text) {
        Py_ssize_t length = PyUnicode_GetLength(text);

        if (length <= OUTPUT_SLICE)
                return length < 0 || output_append_slice(output, stream, text) < 0 ? -1 : length;
        for (Py_ssize_t start = 0; start < length; start += OUTPUT_SLICE) {
                _cleanup_(py_unrefp) PyObject *slice = NULL;

                slice = PyUnicode_Substring(text, start, start + OUTPUT_SLICE);
                if (!slice || output_append_slice(output, stream, slice) < 0)
                        return -1;
        }
        return length;
}

static void output_flush(const Output *output, RegionStream stream, const char *name) {
        _cleanup_(py_unrefp) PyObject *answer = NULL;
        _cleanup_(py_unrefp) PyObject *file = NULL;

        file = PySys_GetObject(name); /* borrowed */
        if (!file)
                return;
        Py_INCREF(file);
        if (file == Py_None || file == output->text[stream])
                return;
        answer = PyObject_CallMethod(file, "flush", NULL);
        PyErr_Clear(); /* nobody is left to be told */
}

void output_flush_replaced(const Output *output) {
        output_flush(output, REGION_STDOUT, "stdout");
        output_flush(output, REGION_STDERR, "stderr");
}
