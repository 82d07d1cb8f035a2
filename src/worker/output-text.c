/* SPDX-License-Identifier: MIT */
/*
 * The type of sys.stdout and sys.stderr: what a TextIOWrapper over a pipe offers
 *
 * A text file in UTF-8 that never refuses a str: lone surrogates are written as escapes. Attributes
 * that a TextIOWrapper answers for its buffering are answered as for an unbuffered one, and
 * reconfigure() takes what it takes and changes nothing. Only what differs from io.TextIOBase
 * stands here.
 */
#include "worker/output.h"

static Py_ssize_t text_offset; /* of the OutputWriter in an object; set once, in the zygote */

static OutputWriter *text_writer(PyObject *self) {
        return output_writer(self, text_offset);
}

static PyObject *text_refuse(PyObject *object) {
        _cleanup_(py_unrefp) PyObject *type = NULL;

        PyErr_Clear();
        type = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__name__");
        if (type)
                (void)PyErr_Format(PyExc_TypeError, "write() argument must be str, not %S", type);
        return NULL;
}

/* The hot path of print(): in the limited API each look at an object is a call, so there are few.
 */
static PyObject *text_write(PyObject *self, PyObject *text) {
        OutputWriter *writer = output_writer_check(text_writer(self));
        Py_ssize_t length;

        length = writer ? output_append_text(writer->output, writer->stream, text) : -1;
        if (length >= 0)
                return PyLong_FromSsize_t(length);
        return PyUnicode_Check(text) ? NULL : text_refuse(text);
}

static PyObject *text_flush(PyObject *self, _unused_ PyObject *none) {
        return output_writer_check(text_writer(self)) ? py_ref(Py_None) : NULL;
}

static PyObject *text_fileno(PyObject *self, _unused_ PyObject *none) {
        OutputWriter *writer = output_writer_check(text_writer(self));

        return writer ? PyLong_FromLong(writer->stream == REGION_STDOUT ? 1 : 2) : NULL;
}

static PyObject *text_isatty(PyObject *self, _unused_ PyObject *none) {
        return output_writer_check(text_writer(self)) ? PyBool_FromLong(0) : NULL;
}

static PyObject *text_writable(PyObject *self, _unused_ PyObject *none) {
        return output_writer_check(text_writer(self)) ? PyBool_FromLong(1) : NULL;
}

static PyObject *text_close(PyObject *self, _unused_ PyObject *none) {
        OutputWriter *writer = text_writer(self);

        writer->closed = true;
        if (writer->buffer)
                output_bytes_close(writer->buffer);
        return py_ref(Py_None);
}

static PyObject *text_detach(PyObject *self, _unused_ PyObject *none) {
        OutputWriter *writer = output_writer_check(text_writer(self));

        if (!writer)
                return NULL;
        writer->output = NULL;
        return take_ptr(&writer->buffer);
}

static PyObject *text_reconfigure(PyObject *self, PyObject *args, PyObject *kwargs) {
        static char encoding[] = "encoding", errors[] = "errors", newline[] = "newline",
                    line_buffering[] = "line_buffering", write_through[] = "write_through";
        static char *names[] = {encoding, errors, newline, line_buffering, write_through, NULL};
        PyObject *ignored;

        if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOOO:reconfigure", names, &ignored,
                                         &ignored, &ignored, &ignored, &ignored))
                return NULL;
        return output_writer_check(text_writer(self)) ? py_ref(Py_None) : NULL;
}

static PyObject *text_repr(PyObject *self) {
        return PyUnicode_FromFormat("<spr.TextWriter name='%s' mode='w' encoding='utf-8'>",
                                    text_writer(self)->stream == REGION_STDOUT ? "<stdout>"
                                                                               : "<stderr>");
}

static PyObject *text_get_name(PyObject *self, _unused_ void *closure) {
        bool is_stdout = text_writer(self)->stream == REGION_STDOUT;

        return PyUnicode_FromString(is_stdout ? "<stdout>" : "<stderr>");
}

static PyObject *text_get_word(_unused_ PyObject *self, void *word) {
        return PyUnicode_FromString(word);
}

static PyObject *text_get_none(_unused_ PyObject *self, _unused_ void *closure) {
        return py_ref(Py_None);
}

static PyObject *text_get_bool(_unused_ PyObject *self, void *value) {
        return PyBool_FromLong(value != NULL);
}

static PyObject *text_get_closed(PyObject *self, _unused_ void *closure) {
        OutputWriter *writer = text_writer(self);

        return PyBool_FromLong(writer->closed ||
                               (writer->buffer && output_bytes_is_closed(writer->buffer)));
}

static PyObject *text_get_buffer(PyObject *self, _unused_ void *closure) {
        OutputWriter *writer = text_writer(self);

        if (writer->buffer)
                return py_ref(writer->buffer);
        PyErr_SetString(PyExc_ValueError, "underlying buffer has been detached");
        return NULL;
}

static PyMethodDef text_methods[] = {
        {.ml_name = "write", .ml_meth = text_write, .ml_flags = METH_O},
        {.ml_name = "flush", .ml_meth = text_flush, .ml_flags = METH_NOARGS},
        {.ml_name = "fileno", .ml_meth = text_fileno, .ml_flags = METH_NOARGS},
        {.ml_name = "isatty", .ml_meth = text_isatty, .ml_flags = METH_NOARGS},
        {.ml_name = "writable", .ml_meth = text_writable, .ml_flags = METH_NOARGS},
        {.ml_name = "close", .ml_meth = text_close, .ml_flags = METH_NOARGS},
        {.ml_name = "detach", .ml_meth = text_detach, .ml_flags = METH_NOARGS},
        {.ml_name = "reconfigure",
         .ml_meth = (PyCFunction)(void (*)(void))text_reconfigure,
         .ml_flags = METH_VARARGS | METH_KEYWORDS},
        {.ml_name = NULL},
};

static char text_utf8[] = "utf-8", text_errors[] = "backslashreplace", text_mode[] = "w";

static PyGetSetDef text_getset[] = {
        {.name = "name", .get = text_get_name},
        {.name = "mode", .get = text_get_word, .closure = text_mode},
        {.name = "encoding", .get = text_get_word, .closure = text_utf8},
        {.name = "errors", .get = text_get_word, .closure = text_errors},
        {.name = "newlines", .get = text_get_none},
        {.name = "line_buffering", .get = text_get_bool, .closure = NULL},
        {.name = "write_through", .get = text_get_bool, .closure = text_mode},
        {.name = "closed", .get = text_get_closed},
        {.name = "buffer", .get = text_get_buffer},
        {.name = NULL},
};

PyObject *output_text_type_new(void) {
        PyType_Slot slots[] = {
                {Py_tp_methods, text_methods},
                {Py_tp_getset, text_getset},
                {Py_tp_repr, (void *)(uintptr_t)text_repr},
                {0, NULL},
        };
        PyType_Spec spec = {
                .name = "spr.TextWriter",
                .flags = Py_TPFLAGS_DEFAULT,
                .slots = slots,
        };

        return output_type_new("_TextIOBase", &spec, &text_offset);
}

PyObject *output_text_new(PyObject *type, const OutputWriter *writer) {
        return output_object_new(type, text_offset, writer);
}
