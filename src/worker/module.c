/* SPDX-License-Identifier: MIT */
/*
 * The extension module through which an interpreter becomes a zygote:
 *
 *         python3 -I -c "<load spr_worker from descriptor 4>; spr_worker.serve(3)" MODULE…
 */
#include <unistd.h>

#include "base/fd.h"
#include "worker/pyapi.h"
#include "worker/zygote.h"

#define MODULE_FD 4 /* worker.so itself, mapped by now */

/* Never returns: the interpreter is not finalised, which would run atexit functions of modules that
 * belong to no run. */
static PyObject *module_serve(PyObject *module _unused_, PyObject *argument) {
        long fd = PyLong_AsLong(argument);

        if (fd == -1 && PyErr_Occurred())
                return NULL;
        (void)fd_close(MODULE_FD);
        _exit(zygote_serve((int)fd));
}

static PyMethodDef module_methods[] = {
        {"serve", module_serve, METH_O, "Serve the agent on a control socket; never returns."},
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
