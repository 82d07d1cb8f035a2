/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "ext.h"

/* Takes ownership of @policy, also on failure. */
static PyObject *policy_wrap(PyObject *type, SprPolicy *policy) {
        PyObject *object = PyType_GenericAlloc((PyTypeObject *)type, 0);

        if (!object) {
                spr_policy_free(policy);
                return NULL;
        }

        ((PolicyObject *)object)->policy = policy;
        return object;
}

static PyObject *policy_from_file(PyObject *type, PyObject *args) {
        const ModuleState *state = PyType_GetModuleState((PyTypeObject *)type);
        _cleanup_(py_decrefp) PyObject *path = NULL;
        SprPolicy *policy = NULL;
        SprError error = {};
        const char *name;
        int r;

        if (!PyArg_ParseTuple(args, "O&:from_file", PyUnicode_FSConverter, &path))
                return NULL;

        name = PyBytes_AsString(path);
        Py_BEGIN_ALLOW_THREADS r = spr_policy_new_from_file(&policy, name, &error);
        Py_END_ALLOW_THREADS if (r) return ext_error_raise(state, r, &error);

        return policy_wrap(type, policy);
}

static PyObject *policy_from_preset(PyObject *type, PyObject *args) {
        const ModuleState *state = PyType_GetModuleState((PyTypeObject *)type);
        SprPolicy *policy = NULL;
        SprError error = {};
        const char *name;
        int r;

        if (!PyArg_ParseTuple(args, "s:from_preset", &name))
                return NULL;

        r = spr_policy_new_from_preset(&policy, name, &error);
        if (r)
                return ext_error_raise(state, r, &error);

        return policy_wrap(type, policy);
}

static PyObject *policy_from_json(PyObject *type, PyObject *args, PyObject *kwargs) {
        static char *keywords[] = {"text", "name", "complete", "extra_globals", NULL};
        const ModuleState *state = PyType_GetModuleState((PyTypeObject *)type);
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        const char *text, *name = "policy", *globals = NULL;
        Py_ssize_t n_text, n_globals = 0;
        SprError error = {};
        int complete = 1;
        int r;

        if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s#|$spz#:from_json", keywords, &text,
                                         &n_text, &name, &complete, &globals, &n_globals))
                return NULL;

        r = spr_policy_new_from_json(&policy, text, (size_t)n_text, name, complete, &error);
        if (!r && globals)
                r = spr_policy_set_extra_globals_json(policy, globals, (size_t)n_globals, &error);
        if (r)
                return ext_error_raise(state, r, &error);

        return policy_wrap(type, take_ptr(&policy));
}

static PyObject *policy_to_json(PyObject *self, PyObject *unused _unused_) {
        const ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
        PyObject *text;
        char *json;
        int r;

        r = spr_policy_to_json(((PolicyObject *)self)->policy, &json);
        if (r)
                return ext_error_raise(state, r, NULL);

        text = PyUnicode_DecodeUTF8(json, (Py_ssize_t)strlen(json), "surrogatepass");
        free(json);
        return text;
}

static void policy_dealloc(PyObject *self) {
        PyTypeObject *type = Py_TYPE(self);
        freefunc release = PyType_GetSlot(type, Py_tp_free);

        spr_policy_free(((PolicyObject *)self)->policy);
        release(self);
        Py_DECREF(type);
}

static PyMethodDef policy_methods[] = {
        {"from_file", policy_from_file, METH_VARARGS | METH_CLASS,
         "Read a policy from a TOML (or .json) file."},
        {"from_preset", policy_from_preset, METH_VARARGS | METH_CLASS, "The preset of this name."},
        {"from_json", (PyCFunction)(void (*)(void))policy_from_json,
         METH_VARARGS | METH_KEYWORDS | METH_CLASS,
         "Read a policy from JSON text; extra_globals is JSON text of its own."},
        {"to_json", policy_to_json, METH_NOARGS, "The whole policy as one line of JSON."},
        {NULL, NULL, 0, NULL},
};

static PyType_Slot policy_slots[] = {
        {Py_tp_doc, "A checked policy; immutable, shared by any number of runs."},
        {Py_tp_methods, policy_methods},
        {Py_tp_dealloc, (void *)policy_dealloc},
        {0, NULL},
};

static PyType_Spec policy_spec = {
        .name = "safe_py_runner._spr.Policy",
        .basicsize = sizeof(PolicyObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = policy_slots,
};

int ext_policy_add(PyObject *module, ModuleState *state) {
        state->policy_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &policy_spec, NULL);
        if (!state->policy_type)
                return -1;

        return PyModule_AddType(module, state->policy_type);
}
