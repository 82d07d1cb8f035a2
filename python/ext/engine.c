/* SPDX-License-Identifier: MIT */
#include "ext.h"

typedef struct EngineObject {
        PyObject_HEAD SprEngine *engine; /* NULL only before __init__ */
} EngineObject;

typedef int (*PathSetter)(SprEngineOptions *options, const char *path);

static int engine_option_path(const ModuleState *state,
                              SprEngineOptions *options,
                              PathSetter set,
                              PyObject *path) {
        _cleanup_(py_decrefp) PyObject *bytes = NULL;
        int r;

        if (path == Py_None)
                return 0;
        if (!PyUnicode_FSConverter(path, &bytes))
                return -1;

        r = set(options, PyBytes_AsString(bytes));
        if (r) {
                (void)ext_error_raise(state, r, NULL);
                return -1;
        }

        return 0;
}

static int engine_option_preloads(SprEngineOptions *options, PyObject *preloads) {
        _cleanup_(py_decrefp) PyObject *modules = PySequence_List(preloads);

        if (!modules)
                return -1;

        for (Py_ssize_t i = 0; i < PyList_Size(modules); i++) {
                const char *module = PyUnicode_AsUTF8AndSize(PyList_GetItem(modules, i), NULL);

                if (!module)
                        return -1;
                if (spr_engine_options_add_preload(options, module) < 0) {
                        PyErr_NoMemory();
                        return -1;
                }
        }

        return 0;
}

static int engine_init(PyObject *object, PyObject *args, PyObject *kwargs) {
        static char *keywords[] = {"python", "venv", "agent", "preload", "startup_timeout_ns",
                                   NULL};
        const ModuleState *state = PyType_GetModuleState(Py_TYPE(object));
        PyObject *python = Py_None, *venv = Py_None, *agent = Py_None, *preload = NULL;
        _cleanup_(spr_engine_options_freep) SprEngineOptions *options = NULL;
        EngineObject *self = (EngineObject *)object;
        unsigned long long startup_timeout_ns = 0;
        SprError error = {};
        int r;

        if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOOK:Engine", keywords, &python, &venv,
                                         &agent, &preload, &startup_timeout_ns))
                return -1;
        if (self->engine) {
                PyErr_SetString(PyExc_TypeError, "an Engine is initialised once");
                return -1;
        }

        r = spr_engine_options_new(&options);
        if (r) {
                (void)ext_error_raise(state, r, NULL);
                return -1;
        }
        if (engine_option_path(state, options, spr_engine_options_set_python, python) < 0 ||
            engine_option_path(state, options, spr_engine_options_set_venv, venv) < 0 ||
            engine_option_path(state, options, spr_engine_options_set_agent, agent) < 0 ||
            (preload && engine_option_preloads(options, preload) < 0))
                return -1;
        if (startup_timeout_ns > 0)
                (void)spr_engine_options_set_startup_timeout_ns(options, startup_timeout_ns);

        r = spr_engine_new(&self->engine, options, &error);
        if (r) {
                (void)ext_error_raise(state, r, &error);
                return -1;
        }

        return 0;
}

static SprEngine *engine_get(PyObject *self) {
        SprEngine *engine = ((EngineObject *)self)->engine;

        if (!engine)
                PyErr_SetString(PyExc_ValueError, "the Engine was not initialised");
        return engine;
}

static PyObject *engine_start(PyObject *self, PyObject *unused _unused_) {
        SprEngine *engine = engine_get(self);
        SprError error = {};
        int r;

        if (!engine)
                return NULL;

        Py_BEGIN_ALLOW_THREADS r = spr_engine_start(engine, &error);
        Py_END_ALLOW_THREADS if (r) return ext_error_raise(PyType_GetModuleState(Py_TYPE(self)), r,
                                                           &error);

        Py_RETURN_NONE;
}

static PyObject *engine_close(PyObject *self, PyObject *unused _unused_) {
        SprEngine *engine = engine_get(self);

        if (!engine)
                return NULL;

        Py_BEGIN_ALLOW_THREADS spr_engine_close(engine);
        Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyObject *engine_run(PyObject *self, PyObject *args, PyObject *kwargs) {
        static char *keywords[] = {"code", "input_json", "policy", "name", NULL};
        const ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        const char *code, *input = NULL, *name = NULL;
        Py_ssize_t n_code, n_input = 0;
        SprEngine *engine = engine_get(self);
        PyObject *policy = NULL;
        int r;

        if (!engine ||
            !PyArg_ParseTupleAndKeywords(args, kwargs, "y#|z#O!z:run", keywords, &code, &n_code,
                                         &input, &n_input, state->policy_type, &policy, &name))
                return NULL;

        r = spr_request_new(&request);
        if (!r)
                r = spr_request_set_code(request, code, (size_t)n_code);
        if (!r && input)
                r = spr_request_set_input_json(request, input, (size_t)n_input);
        if (!r && name)
                r = spr_request_set_name(request, name);
        if (!r && policy)
                r = spr_request_set_policy(request, ((PolicyObject *)policy)->policy);
        if (r)
                return ext_error_raise(state, r, NULL);

        return ext_run_request(state, engine, request);
}

static void engine_dealloc(PyObject *self) {
        PyTypeObject *type = Py_TYPE(self);
        freefunc release = PyType_GetSlot(type, Py_tp_free);
        SprEngine *engine = take_ptr(&((EngineObject *)self)->engine);

        if (engine) {
                Py_BEGIN_ALLOW_THREADS spr_engine_free(engine);
                Py_END_ALLOW_THREADS
        }
        release(self);
        Py_DECREF(type);
}

static PyMethodDef engine_methods[] = {
        {"start", engine_start, METH_NOARGS, "Start agent and interpreter now; blocks."},
        {"close", engine_close, METH_NOARGS, "End every run, the agent and all that it started."},
        {"run", (PyCFunction)(void (*)(void))engine_run, METH_VARARGS | METH_KEYWORDS,
         "Run code (UTF-8 bytes) with input (JSON text) under a policy; blocks."},
        {NULL, NULL, 0, NULL},
};

static PyType_Slot engine_slots[] = {
        {Py_tp_doc, "One agent and its warm interpreter; any number of threads."},
        {Py_tp_new, (void *)PyType_GenericNew},
        {Py_tp_init, (void *)engine_init},
        {Py_tp_methods, engine_methods},
        {Py_tp_dealloc, (void *)engine_dealloc},
        {0, NULL},
};

static PyType_Spec engine_spec = {
        .name = "safe_py_runner._spr.Engine",
        .basicsize = sizeof(EngineObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = engine_slots,
};

int ext_engine_add(PyObject *module, ModuleState *state) {
        state->engine_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &engine_spec, NULL);
        if (!state->engine_type)
                return -1;

        return PyModule_AddType(module, state->engine_type);
}
