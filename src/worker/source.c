/* SPDX-License-Identifier: MIT */
/*
 * linecache is where traceback, inspect, warnings and pdb look for the lines of a file; an entry
 * without modification time is never checked against a disk. In a warm zygote linecache is loaded
 * and the entry is made before the code starts. In a cold one the first import that brings
 * linecache in makes it (see the import guard).
 */
#include <string.h>

#include "worker/source.h"

static PyObject *source_refuse(const char *message) {
        PyErr_SetString(PyExc_SyntaxError, message);
        return NULL;
}

/* The words that CPython has for a file which is not UTF-8. */
static PyObject *source_refuse_encoding(void) {
        _cleanup_(py_unrefp) PyObject *type = NULL;
        _cleanup_(py_unrefp) PyObject *value = NULL;
        _cleanup_(py_unrefp) PyObject *traceback = NULL;

        if (!PyErr_ExceptionMatches(PyExc_UnicodeError))
                return NULL;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        return PyErr_Format(PyExc_SyntaxError, "(unicode error) %S", value);
}

PyObject *source_decode(PyObject *bytes) {
        static const char mark[] = "\xef\xbb\xbf";
        const char *text = PyBytes_AsString(bytes);
        Py_ssize_t length = PyBytes_Size(bytes);
        PyObject *source;

        if (memchr(text, 0, (size_t)length)) /* the words of 3.12, on every version */
                return source_refuse("source code string cannot contain null bytes");
        if (strncmp(text, mark, sizeof(mark) - 1) == 0) {
                text += sizeof(mark) - 1;
                length -= (Py_ssize_t)sizeof(mark) - 1;
        }
        source = PyUnicode_DecodeUTF8(text, length, "strict");
        return source ? source : source_refuse_encoding();
}

/* Lines end as in a file, which is not where str.splitlines() ends them. */
static PyObject *source_lines(const Source *source) {
        _cleanup_(py_unrefp) PyObject *file = NULL;

        file = PyObject_CallFunction(source->string_io, "OO", source->text, Py_None);
        return file ? PySequence_List(file) : NULL;
}

static void source_publish_in(Source *source, PyObject *linecache) {
        _cleanup_(py_unrefp) PyObject *cache = NULL;
        _cleanup_(py_unrefp) PyObject *lines = NULL;
        _cleanup_(py_unrefp) PyObject *entry = NULL;

        cache = PyObject_GetAttrString(linecache, "cache");
        if (!cache) /* in the middle of its own import */
                return;
        source->published = true;
        lines = source_lines(source);
        entry = lines ? Py_BuildValue("nOOO", PyUnicode_GetLength(source->text), Py_None, lines,
                                      source->name)
                      : NULL;
        if (entry)
                (void)PyObject_SetItem(cache, source->name, entry); /* no lines, then */
}

static PyObject *source_get_linecache(void) {
        PyObject *linecache;

        linecache = PyDict_GetItemString(PyImport_GetModuleDict(), "linecache"); /* borrowed */
        return linecache ? py_ref(linecache) : NULL;
}

void source_publish(Source *source) {
        _cleanup_(py_unrefp) PyObject *linecache = NULL;

        if (source->published || !source->text)
                return;
        linecache = source_get_linecache();
        if (!linecache)
                return;
        source_publish_in(source, linecache);
        PyErr_Clear();
}

void source_withdraw(Source *source) {
        _cleanup_(py_unrefp) PyObject *linecache = NULL;
        _cleanup_(py_unrefp) PyObject *cache = NULL;

        linecache = source->published ? source_get_linecache() : NULL;
        cache = linecache ? PyObject_GetAttrString(linecache, "cache") : NULL;
        if (cache)
                (void)PyObject_DelItem(cache, source->name);
        PyErr_Clear();
        source->published = false;
        Py_CLEAR(source->text);
}
