/* SPDX-License-Identifier: MIT */
/*
 * The extension module through which an interpreter becomes a zygote:
 *
 *         python3 -I -B -c "<load spr_worker from descriptor 4>;
 *                           sys.excepthook = spr_worker.serve; raise RuntimeError" MODULE…
 *
 * serve() is called as the hook of an exception that nobody catches, because the interpreter does
 * that from C: a function that Python code calls would leave that code's frame above every frame of
 * a run, in reach of sys._getframe() and every traceback.
 */
#include <unistd.h>

#include "base/fd.h"
#include "worker/pyapi.h"
#include "worker/zygote.h"

enum {
        MODULE_FD_CONTROL = 3,
        MODULE_FD_WORKER = 4, /* worker.so itself, mapped by now */
};

/* No trace stays of the exception that led here. */
static void module_forget_exception(void) {
        static const char *const names[] = {"last_exc", "last_type", "last_value",
                                            "last_traceback"};

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                (void)PySys_SetObject(names[i], NULL); /* deletes it; not all versions have all */
        (void)PySys_SetObject("excepthook", PySys_GetObject("__excepthook__"));
        PyErr_Clear();
}

/* Never returns: the interpreter is not finalised, which would run atexit functions of modules that
 * belong to no run. */
static PyObject *module_serve(PyObject *module _unused_, PyObject *exception _unused_) {
        module_forget_exception();
        (void)fd_close(MODULE_FD_WORKER);
        _exit(zygote_serve(MODULE_FD_CONTROL));
}

static PyMethodDef module_methods[] = {
        {"serve", module_serve, METH_VARARGS, "An excepthook: serves the agent; never returns."},
        {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module_definition = {
        PyModuleDef_HEAD_INIT,
        .m_name = "spr_worker",
        .m_size = 0,
        .m_methods = module_methods,
};

__attribute__((__visibility__("default"))) PyMODINIT_FUNC PyInit_spr_worker(void);

PyMODINIT_FUNC PyInit_spr_worker(void) {
        return PyModuleDef_Init(&module_definition);
}
