/* SPDX-License-Identifier: MIT */
/*
 * What is captured, and when
 *
 * A cold start is paid by the caller of the very first run, so job_tools_new() touches only what
 * costs next to nothing: builtins and C modules. json and traceback are Python and pull in re, enum
 * and tokenize: 8 to 16 ms together, half an interpreter's start. Of json we need the two C
 * accelerators alone (json.c). traceback and linecache are imported by job_tools_warm(), which the
 * zygote calls once it is idle; a worker forked before that imports traceback only when it has an
 * exception to print. threading is left alone: its at-fork hook would touch a hundred pages in
 * every worker, and CPython itself looks at it only if the code has imported it.
 *
 * What a worker writes to, it must copy, page by page, and a reference count is a write. So what
 * all workers would do alike is done here: the copy of the builtins is made, and the streams that
 * they replace are held, since to free them takes more than to print.
 */
#include <stdlib.h>

#include "worker/blas-threads.h"
#include "worker/tools.h"

/* Imports @module and takes one attribute of it. */
static PyObject *tools_take(const char *module, const char *name) {
        _cleanup_(py_unrefp) PyObject *from = NULL;

        from = PyImport_ImportModule(module);
        return from ? PyObject_GetAttrString(from, name) : NULL;
}

static int tools_take_sys(JobTools *tools) {
        _cleanup_(py_unrefp) PyObject *limit = NULL;
        _cleanup_(py_unrefp) PyObject *get_limit = NULL;

        get_limit = tools_take("sys", "getrecursionlimit");
        if (!get_limit)
                return -1;
        limit = PyObject_CallObject(get_limit, NULL);
        if (!limit)
                return -1;
        tools->recursion_limit = (int)PyLong_AsLong(limit);
        tools->display = tools_take("sys", "__excepthook__");
        tools->excepthook = tools_take("sys", "excepthook");
        tools->settrace = tools_take("sys", "settrace");
        tools->setprofile = tools_take("sys", "setprofile");
        if (!tools->display || !tools->excepthook || !tools->settrace || !tools->setprofile)
                return -1;
        tools->monitoring = tools_take("sys", "monitoring");
        PyErr_Clear(); /* new in 3.12 */
        return 0;
}

/* Each may be missing: then there is nothing to free. */
static void tools_hold_streams(JobTools *tools) {
        static const char *const names[ARRAY_SIZE(tools->streams)] = {"stdout", "stderr"};

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                tools->streams[i] = PySys_GetObject(names[i]);
                Py_XINCREF(tools->streams[i]);
        }
}

int job_tools_new(JobTools **toolsp) {
        JobTools *tools = calloc(1, sizeof(*tools)); /* lives as long as the zygote */

        if (!tools) {
                (void)PyErr_NoMemory();
                return -1;
        }
        if (json_tools_init(&tools->json) < 0 || output_types_init(&tools->output) < 0 ||
            tools_take_sys(tools) < 0)
                return -1;
        tools_hold_streams(tools);
        tools->compile = tools_take("builtins", "compile");
        tools->string_io = tools_take("io", "StringIO");
        tools->run_exitfuncs = tools_take("atexit", "_run_exitfuncs");
        tools->count_exitfuncs = tools_take("atexit", "_ncallbacks");
        tools->gc = PyImport_ImportModule("gc");
        if (!tools->gc || !tools->compile || !tools->string_io || !tools->run_exitfuncs ||
            !tools->count_exitfuncs)
                return -1;
        *toolsp = tools;
        return 0;
}

int job_tools_take_preloaded(JobTools *tools) {
        PyObject *modules = PyImport_GetModuleDict();
        PyObject *random = PyDict_GetItemString(modules, "numpy.random");

        tools->blas_threads = blas_threads_find();
        tools->numpy_seed = random ? PyObject_GetAttrString(random, "seed") : NULL;
        PyErr_Clear(); /* whatever has that name is not numpy's */
        return rehearsal_init(&tools->rehearsal);
}

void job_tools_reseed(const JobTools *tools) {
        PyObject *done = NULL;

        if (tools->numpy_seed)
                done = PyObject_CallObject(tools->numpy_seed, NULL);
        Py_XDECREF(done);
        PyErr_Clear();
}

int job_tools_copy_builtins(JobTools *tools) {
        tools->builtins = PyDict_Copy(PyEval_GetBuiltins());
        return tools->builtins ? 0 : -1;
}

int job_tools_warm(JobTools *tools) {
        static const char *const modules[] = {
                "linecache", "ast", /* traceback imports it to place its carets */
                "json",             /* not for us: the code of most runs wants it */
        };

        if (!tools->format_exception)
                tools->format_exception = tools_take("traceback", "format_exception");
        if (!tools->format_exception)
                return -1;
        for (size_t i = 0; i < ARRAY_SIZE(modules); ++i) {
                _cleanup_(py_unrefp) PyObject *module = NULL;

                module = PyImport_ImportModule(modules[i]);
                if (!module)
                        return -1;
        }
        return 0;
}
