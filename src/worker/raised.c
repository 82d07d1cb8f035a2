/* SPDX-License-Identifier: MIT */
/*
 * An exception in one line
 *
 * "Type: message", where Type carries its module unless that is builtins or __main__, as in a
 * traceback. A message of several lines is cut at its first one; the whole stands in the traceback.
 * It is put together here and not by the traceback module, which adds guesses ("Did you mean …?")
 * and would have to be imported. Everything about the exception may be hostile: names that are no
 * strings, a metaclass with opinions, a __str__ that raises.
 */
#include <stdbool.h>

#include "wire/region.h"
#include "worker/raised.h"

void raised_fetch(Raised *raised) {
        raised_deinit(raised);
        PyErr_Fetch(&raised->type, &raised->value, &raised->traceback);
        if (!raised->type) { /* a callee said it failed and did not say why */
                PyErr_SetString(PyExc_SystemError, "error without exception");
                PyErr_Fetch(&raised->type, &raised->value, &raised->traceback);
        }
        PyErr_NormalizeException(&raised->type, &raised->value, &raised->traceback);
        if (raised->traceback && PyException_SetTraceback(raised->value, raised->traceback) < 0)
                PyErr_Clear();
}

void raised_deinit(Raised *raised) {
        Py_CLEAR(raised->type);
        Py_CLEAR(raised->value);
        Py_CLEAR(raised->traceback);
}

/* An attribute that is a str, or NULL without an exception. */
static PyObject *raised_get_text(PyObject *object, const char *name) {
        PyObject *text = PyObject_GetAttrString(object, name);

        if (text && PyUnicode_Check(text))
                return text;
        Py_XDECREF(text);
        PyErr_Clear();
        return NULL;
}

static PyObject *raised_type_name(const Raised *raised) {
        _cleanup_(py_unrefp) PyObject *module = NULL;
        _cleanup_(py_unrefp) PyObject *name = NULL;

        name = raised_get_text(raised->type, "__qualname__");
        if (!name)
                return PyUnicode_FromString("<unnamed exception>");
        module = raised_get_text(raised->type, "__module__");
        if (!module || PyUnicode_CompareWithASCIIString(module, "builtins") == 0 ||
            PyUnicode_CompareWithASCIIString(module, "__main__") == 0)
                return take_ptr(&name);
        return PyUnicode_FromFormat("%U.%U", module, name);
}

/* The message without file and line, which str() of a SyntaxError appends. */
static PyObject *raised_message(const Raised *raised) {
        PyObject *text = NULL;

        if (PyErr_GivenExceptionMatches(raised->type, PyExc_SyntaxError))
                text = raised_get_text(raised->value, "msg");
        if (!text)
                text = PyObject_Str(raised->value);
        if (text)
                return text;
        PyErr_Clear();
        return PyUnicode_FromString("<exception str() failed>");
}

static bool raised_is_space(Py_UCS4 c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The first line of @text that is not empty, without the space around it, and not longer than an
 * answer can carry. */
static PyObject *raised_first_line(PyObject *text) {
        Py_ssize_t length = PyUnicode_GetLength(text), start = 0, end;

        while (start < length && raised_is_space(PyUnicode_ReadChar(text, start)))
                ++start;
        if (length > start + (Py_ssize_t)REGION_ERROR_MAX)
                length = start + (Py_ssize_t)REGION_ERROR_MAX;
        for (end = start; end < length; ++end) {
                Py_UCS4 c = PyUnicode_ReadChar(text, end);

                if (c == '\n' || c == '\r')
                        break;
        }
        while (end > start && raised_is_space(PyUnicode_ReadChar(text, end - 1)))
                --end;
        return PyUnicode_Substring(text, start, end);
}

PyObject *raised_summary(const Raised *raised) {
        _cleanup_(py_unrefp) PyObject *message = NULL;
        _cleanup_(py_unrefp) PyObject *line = NULL;
        _cleanup_(py_unrefp) PyObject *name = NULL;
        PyObject *summary = NULL;

        name = raised_type_name(raised);
        message = raised_message(raised);
        line = message ? raised_first_line(message) : NULL;
        if (name && line && PyUnicode_GetLength(line) > 0)
                summary = PyUnicode_FromFormat("%U: %U", name, line);
        else if (name)
                summary = take_ptr(&name);
        PyErr_Clear();
        return summary;
}
