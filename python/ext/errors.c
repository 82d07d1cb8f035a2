/* SPDX-License-Identifier: MIT */
/*
 * One exception tree. The root is a RuntimeError, since that is what the reference raises; mistakes
 * of the caller are ValueErrors as well. The classes belong to the package, not to this module, so
 * that they pickle by a public name.
 */
#include <errno.h>

#include "ext.h"

static const struct ErrorRow {
        const char *name;
        const char *doc;
        bool is_value_error;
} rows[_ERROR_N] = {
        [ERROR_RUNNER] = {"RunnerError", "No run took place; the root of the others.", false},
        [ERROR_INVALID] = {"InvalidError", "A request that no engine could accept.", true},
        [ERROR_POLICY] = {"PolicyError", "A policy file, or a value in a policy.", true},
        [ERROR_INTERPRETER] = {"InterpreterError", "The interpreter does not start.", false},
        [ERROR_VENV] = {"VenvError", "A venv or its packages could not be made.", false},
        [ERROR_AGENT] = {"AgentError", "spr-agent is missing, or it failed.", false},
        [ERROR_CLOSED] = {"ClosedError", "The engine was closed.", false},
        [ERROR_BUSY] = {"BusyError", "As many runs wait as the engine's max_queue allows.", false},
        [ERROR_AUDIT] = {"AuditError", "The audit log cannot be written.", false},
};

static PyObject *error_bases(const ModuleState *state, ErrorType type) {
        PyObject *root = state->errors[ERROR_RUNNER];

        if (type == ERROR_RUNNER)
                return PyTuple_Pack(1, PyExc_RuntimeError);
        if (rows[type].is_value_error)
                return PyTuple_Pack(2, root, PyExc_ValueError);

        return PyTuple_Pack(1, root);
}

int ext_errors_add(PyObject *module, ModuleState *state) {
        for (unsigned int i = 0; i < _ERROR_N; i++) {
                _cleanup_(py_decrefp) PyObject *bases = NULL, *full_name = NULL;

                bases = error_bases(state, i);
                full_name = PyUnicode_FromFormat("safe_py_runner.%s", rows[i].name);
                if (!bases || !full_name)
                        return -1;

                state->errors[i] = PyErr_NewExceptionWithDoc(
                        PyUnicode_AsUTF8AndSize(full_name, NULL), rows[i].doc, bases, NULL);
                if (!state->errors[i] ||
                    PyModule_AddObjectRef(module, rows[i].name, state->errors[i]) < 0)
                        return -1;
        }

        return 0;
}

static ErrorType error_type(int code) {
        switch (code) {
        case SPR_E_INVALID:
                return ERROR_INVALID;
        case SPR_E_POLICY:
                return ERROR_POLICY;
        case SPR_E_INTERPRETER:
                return ERROR_INTERPRETER;
        case SPR_E_ENVIRONMENT:
                return ERROR_VENV;
        case SPR_E_AGENT:
                return ERROR_AGENT;
        case SPR_E_CLOSED:
                return ERROR_CLOSED;
        case SPR_E_BUSY:
                return ERROR_BUSY;
        case SPR_E_AUDIT:
                return ERROR_AUDIT;
        default:
                return ERROR_RUNNER;
        }
}

PyObject *ext_error_raise(const ModuleState *state, int code, const SprError *error) {
        _cleanup_(py_decrefp) PyObject *text = NULL, *arguments = NULL;
        const char *message = error && error->message[0] ? error->message : "unknown failure";

        if (code == -ENOMEM)
                return PyErr_NoMemory();

        text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
        if (!text)
                return NULL;

        if (code >= 0) {
                PyErr_SetObject(state->errors[error_type(code)], text);
                return NULL;
        }

        arguments = Py_BuildValue("(iO)", -code, text);
        if (arguments)
                PyErr_SetObject(PyExc_OSError, arguments);
        return NULL;
}
