#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * safe_py_runner._spr: libspr for Python, and nothing that libspr lacks
 *
 * One file per type; what they share stands here. Multi-phase init, all state in the module, heap
 * types, limited API of CPython 3.10. The GIL is released around every call of libspr that may
 * block.
 *
 * What the files share starts with ext_: libspr is linked in statically, and names of its inner
 * layers, like venv_ensure(), would be taken for ours without a word from the linker.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <spr/spr.h>

#include "base/attr.h"

typedef struct ModuleState ModuleState;
typedef struct PolicyObject PolicyObject;

/* The exception tree, in the order of creation: the root first. */
typedef enum ErrorType {
        ERROR_RUNNER,
        ERROR_INVALID,
        ERROR_POLICY,
        ERROR_INTERPRETER,
        ERROR_VENV,
        ERROR_AGENT,
        ERROR_CLOSED,
        ERROR_BUSY,
        ERROR_AUDIT,
        _ERROR_N,
} ErrorType;

struct ModuleState {
        PyObject *errors[_ERROR_N];
        PyTypeObject *policy_type;
        PyTypeObject *engine_type;
        PyTypeObject *report_type; /* a struct sequence */
};

struct PolicyObject {
        PyObject_HEAD SprPolicy *policy; /* never changes after its construction */
};

ModuleState *ext_state_get(PyObject *module);

/* Each adds its types to the module; 0, or -1 with an exception set. */
int ext_errors_add(PyObject *module, ModuleState *state);
int ext_policy_add(PyObject *module, ModuleState *state);
int ext_engine_add(PyObject *module, ModuleState *state);
int ext_report_add(PyObject *module, ModuleState *state);

/* Raises what libspr returned: a number of SPR_E_*, or a negative errno as OSError (MemoryError for
 * ENOMEM). Returns NULL. */
PyObject *ext_error_raise(const ModuleState *state, int code, const SprError *error);

/* A new Report with everything @result says. */
PyObject *ext_report_new(const ModuleState *state, const SprResult *result);

/* Submits and waits, open to signals: where a Python handler raises, the run is cancelled and NULL
 * returned with that exception. */
PyObject *ext_run_request(const ModuleState *state, SprEngine *engine, const SprRequest *request);

/* An envp from a list of bytes, whose items must stay unchanged while it is used. */
const char **ext_environment_new(PyObject *list);

/* The functions of the module; signatures in _spr.pyi. */
PyObject *ext_find_interpreter(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *ext_venv_ensure(PyObject *module, PyObject *args, PyObject *kwargs);

static inline void environment_freep(const char ***environmentp) {
        PyMem_Free(*environmentp);
}

static inline void py_decrefp(PyObject **objectp) {
        Py_XDECREF(*objectp);
}

DEFINE_CLEANUP(SprEngineOptions *, spr_engine_options_free)
DEFINE_CLEANUP(SprPolicy *, spr_policy_free)
DEFINE_CLEANUP(SprRequest *, spr_request_free)
DEFINE_CLEANUP(SprResult *, spr_result_free)
DEFINE_CLEANUP(SprVenvOptions *, spr_venv_options_free)
