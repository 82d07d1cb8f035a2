/* SPDX-License-Identifier: MIT */
#include "worker/rules.h"

/* policy[@key], borrowed; NULL where it is absent or of another type than @type. */
static PyObject *rules_get(PyObject *policy, const char *key, PyTypeObject *type) {
        PyObject *value = PyDict_GetItemString(policy, key);

        return value && PyObject_TypeCheck(value, type) ? value : NULL;
}

/* The set of policy["allowed_" or "blocked_" + @noun]; an absent list is empty. */
static PyObject *rules_set_new(const Rules *rules, PyObject *policy, const char *noun) {
        _cleanup_(py_unrefp) PyObject *key = NULL;
        const char *text;

        key = PyUnicode_FromFormat("%s_%s", rules->allow ? "allowed" : "blocked", noun);
        text = key ? PyUnicode_AsUTF8AndSize(key, NULL) : NULL;
        return text ? PySet_New(rules_get(policy, text, &PyList_Type)) : NULL;
}

static Py_ssize_t rules_count_dots(PyObject *name) {
        Py_ssize_t length = PyUnicode_Check(name) ? PyUnicode_GetLength(name) : 0, n_dots = 0;

        for (Py_ssize_t i = 0; i < length; ++i)
                n_dots += PyUnicode_ReadChar(name, i) == '.';
        return n_dots;
}

static int rules_find_dots(Rules *rules) {
        _cleanup_(py_unrefp) PyObject *names = NULL;

        names = PySequence_List(rules->imports);
        if (!names)
                return -1;
        for (Py_ssize_t i = 0; i < PyList_Size(names); ++i) {
                Py_ssize_t n_dots = rules_count_dots(PyList_GetItem(names, i));

                if (n_dots > rules->n_dots)
                        rules->n_dots = n_dots;
        }
        return 0;
}

int rules_init(Rules *rules, const JsonTools *json, PyObject *text) {
        _cleanup_(py_unrefp) PyObject *policy = NULL;
        PyObject *mode, *extra, *variables;

        policy = json_decode(json, PyBytes_AsString(text), (size_t)PyBytes_Size(text), "policy");
        if (!policy)
                return -1;
        mode = PyDict_Check(policy) ? rules_get(policy, "mode", &PyUnicode_Type) : NULL;
        if (!mode || (PyUnicode_CompareWithASCIIString(mode, "allow") != 0 &&
                      PyUnicode_CompareWithASCIIString(mode, "restrict") != 0)) {
                PyErr_SetString(PyExc_ValueError, "policy has no mode");
                return -1;
        }
        rules->allow = PyUnicode_CompareWithASCIIString(mode, "allow") == 0;
        rules->imports = rules_set_new(rules, policy, "imports");
        rules->builtins = rules_set_new(rules, policy, "builtins");
        rules->globals = rules_set_new(rules, policy, "globals");
        extra = rules_get(policy, "extra_globals", &PyDict_Type);
        rules->extra_globals = extra ? py_ref(extra) : PyDict_New();
        variables = rules_get(policy, "env", &PyDict_Type);
        rules->variables = variables ? py_ref(variables) : PyDict_New();
        if (!rules->imports || !rules->builtins || !rules->globals || !rules->extra_globals ||
            !rules->variables)
                return -1;
        return rules_find_dots(rules);
}

void rules_deinit(Rules *rules) {
        Py_CLEAR(rules->imports);
        Py_CLEAR(rules->builtins);
        Py_CLEAR(rules->globals);
        Py_CLEAR(rules->extra_globals);
        Py_CLEAR(rules->variables);
}

int rules_allow(const Rules *rules, PyObject *set, PyObject *name) {
        int named = PySet_Contains(set, name);

        return named < 0 ? -1 : named == rules->allow;
}
