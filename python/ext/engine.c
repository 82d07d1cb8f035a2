/* SPDX-License-Identifier: MIT */
#include <errno.h>

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

/* Names that are none are remembered and refused, in words, by spr_engine_new(). */
static int engine_option_preload(SprEngineOptions *options, PyObject *name) {
        const char *module;
        Py_ssize_t length;

        if (!PyUnicode_Check(name)) {
                PyErr_Format(PyExc_TypeError, "preload must hold names of modules: %R is no str",
                             name);
                return -1;
        }
        module = PyUnicode_AsUTF8AndSize(name, &length);
        if (!module)
                return -1;
        if (strlen(module) != (size_t)length) {
                PyErr_Format(PyExc_ValueError, "cannot preload %R: not the name of a module", name);
                return -1;
        }
        if (spr_engine_options_add_preload(options, module) < 0) {
                PyErr_NoMemory();
                return -1;
        }
        return 0;
}

static int engine_option_preloads(SprEngineOptions *options, PyObject *preloads) {
        _cleanup_(py_decrefp) PyObject *modules = PySequence_List(preloads);

        if (!modules)
                return -1;
        for (Py_ssize_t i = 0; i < PyList_Size(modules); i++)
                if (engine_option_preload(options, PyList_GetItem(modules, i)) < 0)
                        return -1;

        return 0;
}

typedef struct EngineArguments {
        PyObject *python, *venv, *agent, *preload;
        int preload_auto;
        unsigned long long startup_timeout_ns; /* 0: the default, as below */
        unsigned int max_concurrency;
        PyObject *max_queue;                   /* None: the default */
        unsigned long long acquire_timeout_ns; /* UINT64_MAX: for ever */
        PyObject *standbys;                    /* None: as many as are needed */
        PyObject *command;                     /* None: on this machine */
        int shell_hop, exclusive_tmp;
        PyObject *audit_log; /* a path, a descriptor, or None */
} EngineArguments;

static int engine_option_queue(SprEngineOptions *options, const EngineArguments *arguments) {
        unsigned long max_queue;

        spr_engine_options_set_max_concurrency(options, arguments->max_concurrency);
        spr_engine_options_set_acquire_timeout_ns(options, arguments->acquire_timeout_ns);
        if (arguments->max_queue == Py_None)
                return 0;
        max_queue = PyLong_AsUnsignedLong(arguments->max_queue);
        if (PyErr_Occurred())
                return -1;
        spr_engine_options_set_max_queue(options,
                                         max_queue < UINT32_MAX ? (uint32_t)max_queue : UINT32_MAX);
        return 0;
}

static int engine_option_standbys(SprEngineOptions *options, PyObject *standbys) {
        unsigned long n;

        if (standbys == Py_None)
                return 0;
        n = PyLong_AsUnsignedLong(standbys);
        if (PyErr_Occurred())
                return -1;
        if (n > UINT32_MAX || spr_engine_options_set_standbys(options, (uint32_t)n)) {
                (void)PyErr_Format(PyExc_ValueError, "standbys must be at most 4096, not %lu", n);
                return -1;
        }
        return 0;
}

/* As the file system's strings: the words of a command are bytes. */
static int engine_option_words(SprEngineOptions *options, PyObject *words, Py_ssize_t n) {
        const char **argv = PyMem_New(const char *, (size_t)n + 1);
        int r;

        if (!argv) {
                PyErr_NoMemory();
                return -1;
        }
        for (Py_ssize_t i = 0; i < n; i++)
                argv[i] = PyBytes_AsString(PyList_GetItem(words, i));
        argv[n] = NULL;
        r = spr_engine_options_set_command(options, argv);
        PyMem_Free(argv);
        if (r == SPR_E_INVALID)
                PyErr_SetString(PyExc_ValueError, "a command has at least one word");
        else if (r)
                PyErr_NoMemory();
        return r ? -1 : 0;
}

static int engine_option_command(SprEngineOptions *options, PyObject *command) {
        _cleanup_(py_decrefp) PyObject *words = NULL;

        if (command == Py_None)
                return 0;
        words = PySequence_List(command);
        if (!words)
                return -1;
        for (Py_ssize_t i = 0; i < PyList_Size(words); i++) {
                PyObject *bytes;

                if (!PyUnicode_FSConverter(PyList_GetItem(words, i), &bytes) ||
                    PyList_SetItem(words, i, bytes) < 0)
                        return -1;
        }
        return engine_option_words(options, words, PyList_Size(words));
}

static int
engine_option_audit(const ModuleState *state, SprEngineOptions *options, PyObject *audit_log) {
        int fd, r;

        if (!PyLong_Check(audit_log))
                return engine_option_path(state, options, spr_engine_options_set_audit_log,
                                          audit_log);
        fd = PyObject_AsFileDescriptor(audit_log);
        if (fd < 0)
                return -1;
        r = spr_engine_options_set_audit_fd(options, fd);
        if (r) {
                errno = -r;
                (void)PyErr_SetFromErrno(PyExc_OSError);
                return -1;
        }
        return 0;
}

static int engine_options_fill(const ModuleState *state,
                               SprEngineOptions *options,
                               const EngineArguments *arguments) {
        if (engine_option_path(state, options, spr_engine_options_set_python, arguments->python) <
                    0 ||
            engine_option_path(state, options, spr_engine_options_set_venv, arguments->venv) < 0 ||
            engine_option_path(state, options, spr_engine_options_set_agent, arguments->agent) <
                    0 ||
            (arguments->preload && engine_option_preloads(options, arguments->preload) < 0))
                return -1;
        spr_engine_options_set_preload_auto(options, arguments->preload_auto);
        if (arguments->startup_timeout_ns > 0)
                (void)spr_engine_options_set_startup_timeout_ns(options,
                                                                arguments->startup_timeout_ns);
        spr_engine_options_set_shell_hop(options, arguments->shell_hop);
        spr_engine_options_set_exclusive_tmp(options, arguments->exclusive_tmp);
        if (engine_option_standbys(options, arguments->standbys) < 0 ||
            engine_option_command(options, arguments->command) < 0 ||
            engine_option_audit(state, options, arguments->audit_log) < 0)
                return -1;
        return engine_option_queue(options, arguments);
}

static int engine_init(PyObject *object, PyObject *args, PyObject *kwargs) {
        static char *keywords[] = {"python",          "venv",         "agent",
                                   "preload",         "preload_auto", "startup_timeout_ns",
                                   "max_concurrency", "max_queue",    "acquire_timeout_ns",
                                   "standbys",        "command",      "shell_hop",
                                   "exclusive_tmp",   "audit_log",    NULL};
        EngineArguments arguments = {
                .python = Py_None,
                .venv = Py_None,
                .agent = Py_None,
                .max_queue = Py_None,
                .acquire_timeout_ns = UINT64_MAX,
                .standbys = Py_None,
                .command = Py_None,
                .audit_log = Py_None,
        };
        const ModuleState *state = PyType_GetModuleState(Py_TYPE(object));
        _cleanup_(spr_engine_options_freep) SprEngineOptions *options = NULL;
        EngineObject *self = (EngineObject *)object;
        SprError error = {};
        int r;

        if (!PyArg_ParseTupleAndKeywords(
                    args, kwargs, "|$OOOOpKIOKOOppO:Engine", keywords, &arguments.python,
                    &arguments.venv, &arguments.agent, &arguments.preload, &arguments.preload_auto,
                    &arguments.startup_timeout_ns, &arguments.max_concurrency, &arguments.max_queue,
                    &arguments.acquire_timeout_ns, &arguments.standbys, &arguments.command,
                    &arguments.shell_hop, &arguments.exclusive_tmp, &arguments.audit_log))
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
        if (engine_options_fill(state, options, &arguments) < 0)
                return -1;

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

/* The request of run() and post(); NULL with an exception set. */
static SprRequest *engine_request(const ModuleState *state, PyObject *args, PyObject *kwargs) {
        static char *keywords[] = {"code", "input_json", "policy", "name", NULL};
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        const char *code, *input = NULL, *name = NULL;
        Py_ssize_t n_code, n_input = 0;
        PyObject *policy = NULL;
        int r;

        if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y#|z#O!z:run", keywords, &code, &n_code,
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
        if (r) {
                (void)ext_error_raise(state, r, NULL);
                return NULL;
        }
        return take_ptr(&request);
}

static PyObject *engine_run(PyObject *self, PyObject *args, PyObject *kwargs) {
        const ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        SprEngine *engine = engine_get(self);

        if (!engine)
                return NULL;
        request = engine_request(state, args, kwargs);
        return request ? ext_run_request(state, engine, request) : NULL;
}

static PyObject *engine_post(PyObject *self, PyObject *args, PyObject *kwargs) {
        const ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        SprEngine *engine = engine_get(self);
        SprError error = {};
        uint64_t run_id;
        int r;

        if (!engine)
                return NULL;
        request = engine_request(state, args, kwargs);
        if (!request)
                return NULL;

        Py_BEGIN_ALLOW_THREADS r = spr_engine_post(engine, request, &run_id, &error);
        Py_END_ALLOW_THREADS if (r) return ext_error_raise(state, r, &error);

        return PyLong_FromUnsignedLongLong(run_id);
}

static PyObject *engine_cancel(PyObject *self, PyObject *argument) {
        unsigned long long run_id = PyLong_AsUnsignedLongLong(argument);
        SprEngine *engine = engine_get(self);

        if (!engine || PyErr_Occurred())
                return NULL;

        Py_BEGIN_ALLOW_THREADS spr_engine_cancel(engine, run_id);
        Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyObject *engine_fileno(PyObject *self, PyObject *unused _unused_) {
        SprEngine *engine = engine_get(self);
        int fd;

        if (!engine)
                return NULL;
        fd = spr_engine_get_fd(engine);
        if (fd < 0)
                return ext_error_raise(PyType_GetModuleState(Py_TYPE(self)), fd, NULL);

        return PyLong_FromLong(fd);
}

static PyObject *engine_dispatch(PyObject *self, PyObject *unused _unused_) {
        SprEngine *engine = engine_get(self);
        SprError error = {};
        int r;

        if (!engine)
                return NULL;

        Py_BEGIN_ALLOW_THREADS r = spr_engine_dispatch(engine, &error);
        Py_END_ALLOW_THREADS if (r) return ext_error_raise(PyType_GetModuleState(Py_TYPE(self)), r,
                                                           &error);

        Py_RETURN_NONE;
}

static PyObject *engine_pop(PyObject *self, PyObject *unused _unused_) {
        const ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
        _cleanup_(spr_result_freep) SprResult *result = NULL;
        SprEngine *engine = engine_get(self);
        int r;

        if (!engine)
                return NULL;

        Py_BEGIN_ALLOW_THREADS r = spr_engine_pop(engine, &result);
        Py_END_ALLOW_THREADS if (r == SPR_E_EMPTY) Py_RETURN_NONE;
        if (r)
                return ext_error_raise(state, r, NULL);

        return ext_report_new(state, result);
}

/* {"ok": 3, "timeout": 1}: those that there were */
static PyObject *engine_outcomes(const SprStats *stats) {
        static const char *const names[] = {"ok",     "error", "timeout",   "memory", "output",
                                            "denied", "crash", "cancelled", "infra"};
        _cleanup_(py_decrefp) PyObject *outcomes = PyDict_New();

        for (size_t i = 0; outcomes && i < ARRAY_SIZE(names); i++) {
                _cleanup_(py_decrefp) PyObject *n = NULL;

                if (stats->n_outcomes[i] == 0)
                        continue;
                n = PyLong_FromUnsignedLongLong(stats->n_outcomes[i]);
                if (!n || PyDict_SetItemString(outcomes, names[i], n) < 0)
                        return NULL;
        }
        return take_ptr(&outcomes);
}

static PyObject *engine_stats(PyObject *self, PyObject *unused _unused_) {
        SprEngine *engine = engine_get(self);
        SprStats stats;

        if (!engine)
                return NULL;
        Py_BEGIN_ALLOW_THREADS spr_engine_get_stats(engine, &stats, sizeof(stats));
        Py_END_ALLOW_THREADS return Py_BuildValue(
                "{sKsKsKsKsNsKsKsKsKsKsKsKsKsKsK}", "runs", (unsigned long long)stats.n_runs,
                "in_progress", (unsigned long long)stats.n_in_progress, "waiting",
                (unsigned long long)stats.n_waiting, "failed", (unsigned long long)stats.n_failed,
                "outcomes", engine_outcomes(&stats), "standby_hits",
                (unsigned long long)stats.n_standby_hits, "standby_misses",
                (unsigned long long)stats.n_standby_misses, "wall_ns",
                (unsigned long long)stats.wall_ns, "cpu_user_ns",
                (unsigned long long)stats.cpu_user_ns, "cpu_system_ns",
                (unsigned long long)stats.cpu_system_ns, "queue_wait_ns",
                (unsigned long long)stats.queue_wait_ns, "peak_memory_bytes",
                (unsigned long long)stats.peak_memory_bytes, "bytes_in",
                (unsigned long long)stats.bytes_in, "bytes_out",
                (unsigned long long)stats.bytes_out, "page_faults",
                (unsigned long long)stats.page_faults);
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
        {"post", (PyCFunction)(void (*)(void))engine_post, METH_VARARGS | METH_KEYWORDS,
         "As run, without waiting: returns the run's id, and pop() its report."},
        {"cancel", engine_cancel, METH_O,
         "Cancel a posted run by its id; unknown ones are ignored."},
        {"fileno", engine_fileno, METH_NOARGS, "Readable when dispatch() has something to do."},
        {"dispatch", engine_dispatch, METH_NOARGS, "Handle what the agent has sent; never blocks."},
        {"stats", engine_stats, METH_NOARGS, "What its runs came to, in all."},
        {"pop", engine_pop, METH_NOARGS, "The report of a posted run that has completed, or None."},
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
