/* SPDX-License-Identifier: MIT */
/*
 * What the code finds in its globals, in the order of precedence: __builtins__, input_data, result;
 * then extra_globals of the policy, which may not name one of these; then every key of input_data
 * that is an identifier, is not private, and names nothing that is there already. Extra globals and
 * keys which the policy does not let through are left out without a word.
 *
 * It is a real module __main__, so that `if __name__ == "__main__":` runs and classes pickle.
 */
#include <stdbool.h>

#include "worker/scope.h"

static const char *const scope_reserved[] = {"__builtins__", "input_data", "result"};

static bool scope_is_reserved(PyObject *name) {
        for (size_t i = 0; i < ARRAY_SIZE(scope_reserved); ++i)
                if (PyUnicode_CompareWithASCIIString(name, scope_reserved[i]) == 0)
                        return true;
        return false;
}

static PyObject *scope_globals_new(void) {
        _cleanup_(py_unrefp) PyObject *module = NULL;

        module = PyModule_New("__main__");
        if (!module || PyDict_SetItemString(PyImport_GetModuleDict(), "__main__", module) < 0)
                return NULL;
        return py_ref(PyModule_GetDict(module));
}

static int scope_add_extra(PyObject *globals, const Rules *rules) {
        PyObject *name, *value;
        Py_ssize_t position = 0;

        while (PyDict_Next(rules->extra_globals, &position, &name, &value)) {
                int allowed = rules_allow(rules, rules->globals, name);

                if (scope_is_reserved(name)) {
                        (void)PyErr_Format(PyExc_ValueError, "extra_globals must not replace '%U'",
                                           name);
                        return -1;
                }
                if (allowed < 0 || (allowed && PyDict_SetItem(globals, name, value) < 0))
                        return -1;
        }
        return 0;
}

/* 1, 0, or -1 with an exception set. */
static int scope_takes_key(PyObject *globals, const Rules *rules, PyObject *name) {
        int present;

        if (PyUnicode_IsIdentifier(name) != 1 || PyUnicode_ReadChar(name, 0) == '_' ||
            scope_is_reserved(name))
                return 0;
        present = PyDict_Contains(globals, name);
        return present ? (present < 0 ? -1 : 0) : rules_allow(rules, rules->globals, name);
}

static int scope_add_keys(PyObject *globals, const Rules *rules, PyObject *input) {
        PyObject *name, *value;
        Py_ssize_t position = 0;

        while (PyDict_Next(input, &position, &name, &value)) {
                int taken = scope_takes_key(globals, rules, name);

                if (taken < 0 || (taken && PyDict_SetItem(globals, name, value) < 0))
                        return -1;
        }
        return 0;
}

PyObject *scope_new(const Rules *rules, PyObject *builtins, PyObject *input) {
        _cleanup_(py_unrefp) PyObject *globals = NULL;

        globals = scope_globals_new();
        if (!globals || PyDict_SetItemString(globals, "__builtins__", builtins) < 0 ||
            PyDict_SetItemString(globals, "input_data", input) < 0 ||
            PyDict_SetItemString(globals, "result", Py_None) < 0 ||
            scope_add_extra(globals, rules) < 0)
                return NULL;
        if (PyDict_Check(input) && scope_add_keys(globals, rules, input) < 0)
                return NULL;
        return take_ptr(&globals);
}
