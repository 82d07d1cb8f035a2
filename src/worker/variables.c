/* SPDX-License-Identifier: MIT */
#include "worker/variables.h"

int variables_set(PyObject *variables) {
        _cleanup_(py_unrefp) PyObject *os = NULL, *mapping = NULL;
        PyObject *name, *value;
        Py_ssize_t position = 0;

        if (PyDict_Size(variables) == 0)
                return 0;
        os = PyImport_ImportModule("os");
        mapping = os ? PyObject_GetAttrString(os, "environ") : NULL;
        if (!mapping)
                return -1;
        /* its __setitem__ calls putenv(), so the C library and started programs see it too */
        while (PyDict_Next(variables, &position, &name, &value))
                if (PyObject_SetItem(mapping, name, value) < 0)
                        return -1;
        return 0;
}
