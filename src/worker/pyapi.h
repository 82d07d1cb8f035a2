#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Python API: the one place that includes Python.h
 *
 * Everything in the worker is written against the limited API of CPython 3.9, so that one file
 * loads in every later CPython. A symbol from outside of it may be used only if it is declared
 * here, with the reason why it is there in every interpreter we serve.
 */
#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

#include "base/attr.h"

/* In the limited API since 3.10; exported, with this signature, by every CPython since 3.3. The
 * text is kept inside of @unicode; of an ASCII string it is the string itself, nothing is copied.
 */
PyAPI_FUNC(const char *) PyUnicode_AsUTF8AndSize(PyObject *unicode, Py_ssize_t *size);

static inline void py_unrefp(PyObject **objectp) {
        Py_CLEAR(*objectp);
}

/* A new reference to @object, for where a reference must be given away and kept. */
static inline PyObject *py_ref(PyObject *object) {
        Py_INCREF(object);
        return object;
}
