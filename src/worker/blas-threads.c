/* SPDX-License-Identifier: MIT */
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "worker/blas-threads.h"

#define LIBRARIES_MAX 8
#define THREADS_MAX   4096
#define MODE_LOADED   4 /* RTLD_NOLOAD, which ctypes has no name for, the same in glibc and musl */

typedef struct Libraries {
        const char *names[LIBRARIES_MAX];
        size_t n;
} Libraries;

static int library_note(struct dl_phdr_info *info, size_t size _unused_, void *userdata) {
        Libraries *libraries = userdata;

        if (info->dlpi_name && strstr(info->dlpi_name, "openblas") && libraries->n < LIBRARIES_MAX)
                libraries->names[libraries->n++] = info->dlpi_name;
        return 0;
}

/* As its builds name it: numpy's and scipy's wheels, with indices of 64 bits or not; Debian. */
static PyObject *function_of(PyObject *library) {
        static const char *const names[] = {
                "scipy_openblas_set_num_threads64_",
                "scipy_openblas_set_num_threads",
                "openblas_set_num_threads64_",
                "openblas_set_num_threads",
        };
        PyObject *function = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(names) && !function; i++) {
                function = PyObject_GetAttrString(library, names[i]);
                PyErr_Clear();
        }
        return function;
}

PyObject *blas_threads_find(void) {
        _cleanup_(py_unrefp) PyObject *ctypes = NULL, *functions = NULL;
        Libraries libraries = {.n = 0};

        (void)dl_iterate_phdr(library_note, &libraries);
        if (libraries.n == 0)
                return NULL;
        ctypes = PyImport_ImportModule("ctypes");
        functions = ctypes ? PyList_New(0) : NULL;
        for (size_t i = 0; functions && i < libraries.n; i++) {
                _cleanup_(py_unrefp) PyObject *library = NULL, *function = NULL;

                library =
                        PyObject_CallMethod(ctypes, "CDLL", "si", libraries.names[i], MODE_LOADED);
                function = library ? function_of(library) : NULL;
                if (function)
                        (void)PyList_Append(functions, function);
                PyErr_Clear();
        }
        PyErr_Clear();
        return functions && PyList_Size(functions) > 0 ? take_ptr(&functions) : NULL;
}

/* The first that is a number counts, as for OpenBLAS itself; 0 = none is. */
static int threads_wanted(PyObject *variables) {
        static const char *const names[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                PyObject *value = PyDict_GetItemString(variables, names[i]);
                const char *text = value ? PyUnicode_AsUTF8AndSize(value, NULL) : NULL;
                long n = text ? strtol(text, NULL, 10) : 0;

                PyErr_Clear();
                if (n > 0)
                        return n < THREADS_MAX ? (int)n : THREADS_MAX;
        }
        return 0;
}

void blas_threads_set(PyObject *functions, PyObject *variables) {
        int n = functions ? threads_wanted(variables) : 0;

        for (Py_ssize_t i = 0; n > 0 && i < PyList_Size(functions); i++) {
                _cleanup_(py_unrefp) PyObject *done = NULL;

                done = PyObject_CallFunction(PyList_GetItem(functions, i), "i", n);
                PyErr_Clear(); /* then it computes with one */
        }
}
