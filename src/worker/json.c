/* SPDX-License-Identifier: MIT */
/*
 * The C halves of CPython's json
 *
 * json.loads() and json.dumps() are thin Python around two C objects of the module _json, whose
 * interface is the same from 3.9 to 3.14. Using them directly has three merits: importing json
 * costs as much as half an interpreter's start, no Python code means nothing that a run can patch,
 * and a serialiser in C is not stopped by a recursion limit or a trace function the run left
 * behind.
 *
 * The scanner is strict about where it starts and imports json.decoder to word its errors. So the
 * text is first held against our own check (base/json-text.h), which finds the place and the words
 * of a fault and its depth without recursion; the scanner then sees only what it will accept.
 */
#include "worker/json.h"
#include "base/json-text.h"

/* {"NaN": nan, …}.__getitem__, as json.decoder has it. */
static PyObject *json_constants_new(void) {
        static const char *const names[] = {"NaN", "Infinity", "-Infinity"};
        _cleanup_(py_unrefp) PyObject *constants = NULL;

        constants = PyDict_New();
        if (!constants)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                _cleanup_(py_unrefp) PyObject *text = NULL;
                _cleanup_(py_unrefp) PyObject *number = NULL;

                text = PyUnicode_FromString(names[i]);
                number = text ? PyFloat_FromString(text) : NULL;
                if (!number || PyDict_SetItem(constants, text, number) < 0)
                        return NULL;
        }
        return PyObject_GetAttrString(constants, "__getitem__");
}

/* The options of json.loads() as the attributes a scanner reads. */
static PyObject *json_context_new(void) {
        _cleanup_(py_unrefp) PyObject *constants = NULL;
        _cleanup_(py_unrefp) PyObject *context = NULL;
        PyObject *implementation = PySys_GetObject("implementation"); /* a SimpleNamespace */

        constants = json_constants_new();
        if (!constants || !implementation)
                return NULL;
        context = PyObject_CallObject((PyObject *)Py_TYPE(implementation), NULL);
        if (!context || PyObject_SetAttrString(context, "strict", Py_True) < 0 ||
            PyObject_SetAttrString(context, "object_hook", Py_None) < 0 ||
            PyObject_SetAttrString(context, "object_pairs_hook", Py_None) < 0 ||
            PyObject_SetAttrString(context, "parse_float", (PyObject *)&PyFloat_Type) < 0 ||
            PyObject_SetAttrString(context, "parse_int", (PyObject *)&PyLong_Type) < 0 ||
            PyObject_SetAttrString(context, "parse_constant", constants) < 0)
                return NULL;
        return take_ptr(&context);
}

int json_tools_init(JsonTools *tools) {
        _cleanup_(py_unrefp) PyObject *context = NULL;
        _cleanup_(py_unrefp) PyObject *module = NULL;

        module = PyImport_ImportModule("_json");
        context = module ? json_context_new() : NULL;
        if (!context)
                return -1;
        tools->scan = PyObject_CallMethod(module, "make_scanner", "O", context);
        tools->make_encoder = PyObject_GetAttrString(module, "make_encoder");
        tools->encode_string = PyObject_GetAttrString(module, "encode_basestring_ascii");
        tools->text = py_ref((PyObject *)&PyUnicode_Type);
        return tools->scan && tools->make_encoder && tools->encode_string ? 0 : -1;
}

static int json_check(const char *text, size_t length, const char *subject) {
        JsonTextFault fault;

        switch (json_text_check(text, length, JSON_DEPTH_MAX, &fault)) {
        case 0:
                return 0;
        case JSON_TEXT_E_DEPTH:
                (void)PyErr_Format(PyExc_ValueError, "%s is nested too deeply: more than %d levels",
                                   subject, JSON_DEPTH_MAX);
                return -1;
        default:
                (void)PyErr_Format(PyExc_ValueError, "%s is not JSON: %s at line %u (byte %zd)",
                                   subject, fault.reason, json_text_line(text, fault.offset),
                                   (Py_ssize_t)fault.offset);
                return -1;
        }
}

/* The scanner can still refuse an integer of more digits than the interpreter converts, and run out
 * of memory; the first becomes words. */
static void json_reword(const char *subject) {
        _cleanup_(py_unrefp) PyObject *type = NULL;
        _cleanup_(py_unrefp) PyObject *value = NULL;
        _cleanup_(py_unrefp) PyObject *traceback = NULL;

        if (PyErr_ExceptionMatches(PyExc_MemoryError))
                return;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        (void)PyErr_Format(PyExc_ValueError, "%s cannot be read: %S", subject, value);
}

PyObject *
json_decode(const JsonTools *tools, const char *text, size_t length, const char *subject) {
        _cleanup_(py_unrefp) PyObject *string = NULL;
        _cleanup_(py_unrefp) PyObject *pair = NULL;
        Py_ssize_t start = 0;

        if (json_check(text, length, subject) < 0)
                return NULL;
        while (text[start] == ' ' || text[start] == '\t' || text[start] == '\n' ||
               text[start] == '\r')
                ++start;
        string = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "strict");
        pair = string ? PyObject_CallFunction(tools->scan, "On", string, start) : NULL;
        if (!pair) {
                json_reword(subject);
                return NULL;
        }
        return PySequence_GetItem(pair, 0);
}

/* The encoder answers with pieces, in a tuple or (before 3.13) a list. Their sizes are added up
 * before they are joined, so that what is too large is not copied first. Pieces are checked like
 * strangers: the encoder runs methods of the value, and a thread that runs meanwhile can find a
 * list among the objects of the garbage collector. */
static int json_pieces_size(PyObject *pieces, size_t *sizep) {
        Py_ssize_t n_pieces = PyTuple_Size(pieces);
        size_t size = 0;

        for (Py_ssize_t i = 0; i < n_pieces; ++i) {
                Py_ssize_t length = PyUnicode_GetLength(PyTuple_GetItem(pieces, i));

                if (length < 0)
                        return -1;
                size += (size_t)length;
        }
        *sizep = size;
        return 0;
}

PyObject *json_encode(const JsonTools *tools, PyObject *value, size_t max, size_t *sizep) {
        _cleanup_(py_unrefp) PyObject *encoder = NULL;
        _cleanup_(py_unrefp) PyObject *markers = NULL;
        _cleanup_(py_unrefp) PyObject *nothing = NULL;
        _cleanup_(py_unrefp) PyObject *pieces = NULL;
        _cleanup_(py_unrefp) PyObject *parts = NULL;

        markers = PyDict_New(); /* the objects being written: finds circles */
        if (!markers)
                return NULL;
        encoder = PyObject_CallFunction(tools->make_encoder, "OOOOssOOO", markers, tools->text,
                                        tools->encode_string, Py_None, /* indent */
                                        ": ", ", ", Py_False,          /* sort_keys */
                                        Py_False,                      /* skipkeys */
                                        Py_True);                      /* allow_nan */
        parts = encoder ? PyObject_CallFunction(encoder, "Oi", value, 0) : NULL;
        pieces = parts ? PySequence_Tuple(parts) : NULL;
        if (!pieces || json_pieces_size(pieces, sizep) < 0)
                return NULL;
        if (*sizep > max)
                return py_ref(Py_None);
        nothing = PyUnicode_FromString("");
        return nothing ? PyUnicode_Join(nothing, pieces) : NULL;
}
