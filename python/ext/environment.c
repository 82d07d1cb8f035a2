/* SPDX-License-Identifier: MIT */
#include "ext.h"

const char **ext_environment_new(PyObject *list) {
        _cleanup_(environment_freep) const char **environment = NULL;
        Py_ssize_t n_items = PyList_Size(list);

        if (n_items < 0)
                return NULL;
        environment = PyMem_Calloc((size_t)n_items + 1, sizeof(*environment));
        if (!environment) {
                (void)PyErr_NoMemory();
                return NULL;
        }

        for (Py_ssize_t i = 0; i < n_items; i++) {
                environment[i] = PyBytes_AsString(PyList_GetItem(list, i));
                if (!environment[i])
                        return NULL;
        }

        return take_ptr(&environment);
}
