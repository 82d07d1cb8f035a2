/* SPDX-License-Identifier: MIT */
/*
 * ext_venv_ensure(): blocks for as long as an installation takes, without the GIL
 *
 * The progress callable runs in the calling thread with the GIL taken back for its duration. What
 * it raises cannot stop libspr in the middle of an installation: the first exception is kept and
 * raised at the end.
 */
#include <stdlib.h>

#include "ext.h"

typedef struct Progress {
        PyThreadState *thread; /* the caller's, while the GIL is released */
        PyObject *callable;
        PyObject *type, *value, *traceback; /* what it raised */
} Progress;

static void progress_line(void *userdata, const char *line) {
        Progress *progress = userdata;

        PyEval_RestoreThread(progress->thread);
        if (!progress->type) {
                PyObject *answer = PyObject_CallFunction(progress->callable, "s", line);

                Py_XDECREF(answer);
                if (!answer)
                        PyErr_Fetch(&progress->type, &progress->value, &progress->traceback);
        }
        progress->thread = PyEval_SaveThread();
}

static int
venv_add_packages(const ModuleState *state, SprVenvOptions *options, PyObject *packages) {
        _cleanup_(py_decrefp) PyObject *list = PySequence_List(packages);

        if (!list)
                return -1;

        for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
                const char *package = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, i), NULL);
                SprError error = {};
                int r;

                if (!package)
                        return -1;
                r = spr_venv_options_add_package(options, package, &error);
                if (r) {
                        (void)ext_error_raise(state, r, &error);
                        return -1;
                }
        }

        return 0;
}

static int venv_manager(const char *name) {
        if (strcmp(name, "uv") == 0)
                return SPR_VENV_MANAGER_UV;
        if (strcmp(name, "python") == 0)
                return SPR_VENV_MANAGER_PYTHON;
        if (strcmp(name, "auto") == 0)
                return SPR_VENV_MANAGER_AUTO;

        PyErr_SetString(PyExc_ValueError, "manager must be 'uv', 'python' or 'auto'");
        return -1;
}

/* As spr_venv_ensure(). What ended it may have been Ctrl-C, of which Python must hear first; after
 * any other signal it goes on. */
static int venv_ensure_open_to_signals(SprVenvOptions *options,
                                       Progress *progress,
                                       char **pythonp,
                                       SprError *error) {
        int r;

        do {
                progress->thread = PyEval_SaveThread();
                r = spr_venv_ensure(options, pythonp, error);
                PyEval_RestoreThread(progress->thread);
        } while (r == SPR_E_INTERRUPTED && PyErr_CheckSignals() == 0);

        return r;
}

static PyObject *venv_run(const ModuleState *state, SprVenvOptions *options, PyObject *callable) {
        Progress progress = {.callable = callable};
        SprError error = {};
        PyObject *path = NULL;
        char *python = NULL;
        int r;

        if (callable != Py_None)
                spr_venv_options_set_progress(options, progress_line, &progress);

        r = venv_ensure_open_to_signals(options, &progress, &python, &error);
        if (PyErr_Occurred()) {
                /* a signal handler raised: that comes before all else */
        } else if (progress.type) {
                PyErr_Restore(progress.type, progress.value, progress.traceback);
                progress = (Progress){};
        } else if (r) {
                (void)ext_error_raise(state, r, &error);
        } else {
                path = PyUnicode_DecodeFSDefault(python);
        }

        Py_XDECREF(progress.type);
        Py_XDECREF(progress.value);
        Py_XDECREF(progress.traceback);
        free(python);
        return path;
}

static int venv_options_set_paths(SprVenvOptions *options,
                                  PyObject *directory,
                                  PyObject *python,
                                  PyObject *search_path) {
        int r;

        r = spr_venv_options_set_directory(options, PyBytes_AsString(directory));
        if (!r && python)
                r = spr_venv_options_set_python(options, PyBytes_AsString(python));
        if (!r && search_path)
                r = spr_venv_options_set_search_path(options, PyBytes_AsString(search_path));
        return r;
}

PyObject *ext_venv_ensure(PyObject *module, PyObject *args, PyObject *kwargs) {
        static char *keywords[] = {"directory",   "manager",     "python",   "packages",
                                   "search_path", "environment", "progress", NULL};
        const ModuleState *state = ext_state_get(module);
        _cleanup_(py_decrefp) PyObject *directory = NULL, *python = NULL, *search_path = NULL;
        _cleanup_(spr_venv_options_freep) SprVenvOptions *options = NULL;
        _cleanup_(environment_freep) const char **environment = NULL;
        PyObject *packages = NULL, *list = NULL, *progress = Py_None;
        const char *manager_name = "auto";
        int manager, r;

        if (!PyArg_ParseTupleAndKeywords(
                    args, kwargs, "O&|$sO&OO&O!O:venv_ensure", keywords, PyUnicode_FSConverter,
                    &directory, &manager_name, PyUnicode_FSConverter, &python, &packages,
                    PyUnicode_FSConverter, &search_path, &PyList_Type, &list, &progress))
                return NULL;
        manager = venv_manager(manager_name);
        environment = list ? ext_environment_new(list) : NULL;
        if (manager < 0 || (list && !environment))
                return NULL;

        r = spr_venv_options_new(&options);
        if (!r)
                r = spr_venv_options_set_manager(options, (SprVenvManager)manager);
        if (!r)
                r = venv_options_set_paths(options, directory, python, search_path);
        if (!r && environment)
                r = spr_venv_options_set_environment(options, environment);
        if (r)
                return ext_error_raise(state, r, NULL);
        if (packages && venv_add_packages(state, options, packages) < 0)
                return NULL;

        return venv_run(state, options, progress);
}
