/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "ext.h"

PyObject *ext_find_interpreter(PyObject *module, PyObject *args, PyObject *kwargs) {
        static char *keywords[] = {"name", "search_path", "environment", NULL};
        const ModuleState *state = ext_state_get(module);
        _cleanup_(py_decrefp) PyObject *name = NULL, *search_path = NULL;
        _cleanup_(environment_freep) const char **environment = NULL;
        const char *name_text, *search_text;
        SprError error = {};
        PyObject *list, *path;
        char *found;
        int r;

        if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&$O&O!:find_interpreter", keywords,
                                         PyUnicode_FSConverter, &name, PyUnicode_FSConverter,
                                         &search_path, &PyList_Type, &list))
                return NULL;
        environment = ext_environment_new(list);
        if (!environment)
                return NULL;

        name_text = PyBytes_AsString(name);
        search_text = PyBytes_AsString(search_path);
        Py_BEGIN_ALLOW_THREADS r =
                spr_find_interpreter(name_text, search_text, environment, &found, &error);
        Py_END_ALLOW_THREADS if (r) return ext_error_raise(state, r, &error);

        path = PyUnicode_DecodeFSDefault(found);
        free(found);
        return path;
}
