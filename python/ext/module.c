/* SPDX-License-Identifier: MIT */
#include "ext.h"

static int module_exec(PyObject *module) {
        ModuleState *state = ext_state_get(module);

        if (ext_errors_add(module, state) < 0 || ext_policy_add(module, state) < 0 ||
            ext_report_add(module, state) < 0 || ext_engine_add(module, state) < 0)
                return -1;

        return PyModule_AddStringConstant(module, "version", spr_version());
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
        ModuleState *state = ext_state_get(module);

        for (size_t i = 0; i < _ERROR_N; i++)
                Py_VISIT(state->errors[i]);
        Py_VISIT(state->policy_type);
        Py_VISIT(state->engine_type);
        Py_VISIT(state->report_type);
        return 0;
}

static int module_clear(PyObject *module) {
        ModuleState *state = ext_state_get(module);

        for (size_t i = 0; i < _ERROR_N; i++)
                Py_CLEAR(state->errors[i]);
        Py_CLEAR(state->policy_type);
        Py_CLEAR(state->engine_type);
        Py_CLEAR(state->report_type);
        return 0;
}

static void module_free(void *module) {
        (void)module_clear(module);
}

static PyMethodDef module_methods[] = {
        {"find_interpreter", (PyCFunction)(void (*)(void))ext_find_interpreter,
         METH_VARARGS | METH_KEYWORDS,
         "The path of an interpreter: from a path, a venv, a shim, or a name on the search path."},
        {"venv_ensure", (PyCFunction)(void (*)(void))ext_venv_ensure, METH_VARARGS | METH_KEYWORDS,
         "Make a venv with pinned packages; returns the path of its interpreter."},
        {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
        {Py_mod_exec, (void *)module_exec},
        {0, NULL},
};

static PyModuleDef module_definition = {
        PyModuleDef_HEAD_INIT,
        .m_name = "safe_py_runner._spr",
        .m_doc = "libspr: engines, policies, results and venvs.",
        .m_size = sizeof(ModuleState),
        .m_methods = module_methods,
        .m_slots = module_slots,
        .m_traverse = module_traverse,
        .m_clear = module_clear,
        .m_free = module_free,
};

ModuleState *ext_state_get(PyObject *module) {
        return PyModule_GetState(module);
}

PyMODINIT_FUNC PyInit__spr(void);

PyMODINIT_FUNC PyInit__spr(void) {
        return PyModuleDef_Init(&module_definition);
}
