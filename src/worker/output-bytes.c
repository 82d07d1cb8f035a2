/* SPDX-License-Identifier: MIT */
/*
 * The type of sys.stdout.buffer: a BufferedWriter over a pipe, without the buffer
 *
 * Good enough to be wrapped in a TextIOWrapper of the user's own, which is what programs do to
 * change the encoding of their output.
 */
#include "worker/output.h"

static Py_ssize_t bytes_offset; /* of the OutputWriter in an object; set once, in the zygote */

static OutputWriter *bytes_writer(PyObject *self) {
        return output_writer(self, bytes_offset);
}

/* Anything but bytes is copied first: the buffer protocol proper entered the limited API in 3.11.
 * Going through a memoryview refuses what bytes() would take besides, such as integers. */
static PyObject *bytes_of(PyObject *object) {
        _cleanup_(py_unrefp) PyObject *view = NULL;

        if (PyBytes_Check(object))
                return py_ref(object);
        if (PyUnicode_Check(object)) {
                PyErr_SetString(PyExc_TypeError, "a bytes-like object is required, not 'str'");
                return NULL;
        }
        view = PyMemoryView_FromObject(object);
        return view ? PyObject_Bytes(view) : NULL;
}

static PyObject *bytes_write(PyObject *self, PyObject *object) {
        OutputWriter *writer = output_writer_check(bytes_writer(self));
        _cleanup_(py_unrefp) PyObject *bytes = NULL;

        bytes = writer ? bytes_of(object) : NULL;
        if (!bytes)
                return NULL;
        output_append(writer->output, writer->stream, PyBytes_AsString(bytes),
                      (size_t)PyBytes_Size(bytes));
        return PyLong_FromSsize_t(PyBytes_Size(bytes));
}

static PyObject *bytes_flush(PyObject *self, _unused_ PyObject *none) {
        return output_writer_check(bytes_writer(self)) ? py_ref(Py_None) : NULL;
}

static PyObject *bytes_fileno(PyObject *self, _unused_ PyObject *none) {
        OutputWriter *writer = output_writer_check(bytes_writer(self));

        return writer ? PyLong_FromLong(writer->stream == REGION_STDOUT ? 1 : 2) : NULL;
}

static PyObject *bytes_isatty(PyObject *self, _unused_ PyObject *none) {
        return output_writer_check(bytes_writer(self)) ? PyBool_FromLong(0) : NULL;
}

static PyObject *bytes_writable(PyObject *self, _unused_ PyObject *none) {
        return output_writer_check(bytes_writer(self)) ? PyBool_FromLong(1) : NULL;
}

static PyObject *bytes_close(PyObject *self, _unused_ PyObject *none) {
        output_bytes_close(self);
        return py_ref(Py_None);
}

static PyObject *bytes_get_name(PyObject *self, _unused_ void *closure) {
        bool is_stdout = bytes_writer(self)->stream == REGION_STDOUT;

        return PyUnicode_FromString(is_stdout ? "<stdout>" : "<stderr>");
}

static PyObject *bytes_get_mode(_unused_ PyObject *self, _unused_ void *closure) {
        return PyUnicode_FromString("wb");
}

static PyObject *bytes_get_closed(PyObject *self, _unused_ void *closure) {
        return PyBool_FromLong(output_bytes_is_closed(self));
}

/* There is nothing rawer below. */
static PyObject *bytes_get_raw(PyObject *self, _unused_ void *closure) {
        return py_ref(self);
}

static PyMethodDef bytes_methods[] = {
        {.ml_name = "write", .ml_meth = bytes_write, .ml_flags = METH_O},
        {.ml_name = "flush", .ml_meth = bytes_flush, .ml_flags = METH_NOARGS},
        {.ml_name = "fileno", .ml_meth = bytes_fileno, .ml_flags = METH_NOARGS},
        {.ml_name = "isatty", .ml_meth = bytes_isatty, .ml_flags = METH_NOARGS},
        {.ml_name = "writable", .ml_meth = bytes_writable, .ml_flags = METH_NOARGS},
        {.ml_name = "close", .ml_meth = bytes_close, .ml_flags = METH_NOARGS},
        {.ml_name = NULL},
};

static PyGetSetDef bytes_getset[] = {
        {.name = "name", .get = bytes_get_name},
        {.name = "mode", .get = bytes_get_mode},
        {.name = "closed", .get = bytes_get_closed},
        {.name = "raw", .get = bytes_get_raw},
        {.name = NULL},
};

PyObject *output_bytes_type_new(void) {
        PyType_Slot slots[] = {
                {Py_tp_methods, bytes_methods},
                {Py_tp_getset, bytes_getset},
                {0, NULL},
        };
        PyType_Spec spec = {
                .name = "spr.BytesWriter",
                .flags = Py_TPFLAGS_DEFAULT,
                .slots = slots,
        };

        return output_type_new("_BufferedIOBase", &spec, &bytes_offset);
}

PyObject *output_bytes_new(PyObject *type, const OutputWriter *writer) {
        return output_object_new(type, bytes_offset, writer);
}

void output_bytes_close(PyObject *bytes) {
        bytes_writer(bytes)->closed = true;
}

bool output_bytes_is_closed(PyObject *bytes) {
        return bytes_writer(bytes)->closed;
}
