/* SPDX-License-Identifier: MIT */
/*
 * The import guard
 *
 * `import x` in the user's code calls the __import__ of its builtins, and that is this function; a
 * module's own imports see the real builtins and are free, as the policy wants it. It is in C, so
 * it adds no frame to tracebacks and has no globals to climb to. Code that means to get around it
 * will; what the process may do is the sandbox's business.
 *
 * A refusal must be told from any other ImportError when it ends the run, without a class of our
 * own (user code compares types) and without keeping the exception alive (it holds frames). So the
 * guard remembers the *message object* of each name it refused, and an ImportError that carries
 * this very object is ours.
 */
#include <string.h>

#include "worker/guard.h"

#define GUARD_CAPSULE      "spr.guard"
#define GUARD_IMPORTS_MAX  32
#define GUARD_REFUSALS_MAX 1024 /* names remembered; the code chooses them */

/* Names that only hand out what the guard withholds, or read files though open() is blocked:
 * dropped in restrict mode. */
static const char *const guard_dropped[] = {
        "__loader__", "__spec__", "copyright", "credits", "license",
};

/* Names without which the language itself does not work: granted in allow mode. */
static const char *const guard_granted[] = {
        "__build_class__",
        "__debug__",
        "__doc__",
        "__name__",
};

static void guard_refuse(Guard *guard, PyObject *name, PyObject *shown, const char *verb) {
        _cleanup_(py_unrefp) PyObject *message = NULL;

        message = PyDict_GetItemWithError(guard->refusals, name); /* borrowed */
        if (message)
                Py_INCREF(message);
        else if (!PyErr_Occurred())
                message = PyUnicode_FromFormat("Import '%U' is %s by policy", shown, verb);
        if (!message)
                return;
        if (PyDict_Size(guard->refusals) < GUARD_REFUSALS_MAX &&
            PyDict_SetItem(guard->refusals, name, message) < 0)
                return;
        (void)PyErr_SetImportError(message, name, NULL);
}

/* Whether one of the dotted prefixes of @name is in the set: 1, 0, or -1 with an exception set. */
static int guard_is_named(const Rules *rules, PyObject *name) {
        Py_ssize_t length = PyUnicode_GetLength(name), end = 0;

        for (Py_ssize_t n_dots = 0; n_dots <= rules->n_dots && end < length; ++n_dots, ++end) {
                _cleanup_(py_unrefp) PyObject *prefix = NULL;
                int r;

                end = PyUnicode_FindChar(name, '.', end, length, 1);
                if (end == -2)
                        return -1;
                if (end == -1)
                        end = length;
                prefix = PyUnicode_Substring(name, 0, end);
                r = prefix ? PySet_Contains(rules->imports, prefix) : -1;
                if (r != 0)
                        return r;
        }
        return 0;
}

/* 0 where @name may be imported, else -1 with an exception set. */
static int guard_check(Guard *guard, PyObject *name) {
        _cleanup_(py_unrefp) PyObject *importlib = NULL;
        _cleanup_(py_unrefp) PyObject *dotted = NULL;
        int named;

        importlib = PyUnicode_FromString("importlib");
        dotted = PyUnicode_FromString("importlib.");
        if (!importlib || !dotted)
                return -1;
        if (PyUnicode_Compare(name, importlib) == 0 ||
            PyUnicode_Tailmatch(name, dotted, 0, PY_SSIZE_T_MAX, -1) == 1) {
                guard_refuse(guard, name, importlib, "blocked");
                return -1;
        }
        named = guard_is_named(guard->rules, name);
        if (named < 0)
                return -1;
        if (named == guard->rules->allow)
                return 0;
        guard_refuse(guard, name, name, guard->rules->allow ? "not allowed" : "blocked");
        return -1;
}

/* `from a import b` where the rules block "a.b". Only rules with dots have such names. */
static int guard_check_from(Guard *guard, PyObject *name, PyObject *from) {
        Py_ssize_t n_items = PyTuple_Check(from) ? PyTuple_Size(from) : 0;

        if (guard->rules->allow || guard->rules->n_dots == 0)
                return 0;
        for (Py_ssize_t i = 0; i < n_items; ++i) {
                _cleanup_(py_unrefp) PyObject *full = NULL;
                PyObject *item = PyTuple_GetItem(from, i);

                if (!PyUnicode_Check(item))
                        continue;
                full = PyUnicode_FromFormat("%U.%U", name, item);
                if (!full || guard_check(guard, full) < 0)
                        return -1;
        }
        return 0;
}

/* Whether no such module is loaded. */
static bool guard_is_missing(PyObject *name) {
        int present = PyDict_Contains(PyImport_GetModuleDict(), name);

        if (present < 0)
                PyErr_Clear();
        return present == 0;
}

/* 0 where the import may go on, else -1 with an exception set. */
static int guard_check_import(Guard *guard, PyObject *name, PyObject *from, int level) {
        if (!guard->rules) {
                PyErr_SetString(PyExc_ImportError, "this code is over");
                return -1;
        }
        if (level != 0)
                return 0;
        if (guard_check(guard, name) < 0)
                return -1;
        return from ? guard_check_from(guard, name, from) : 0;
}

static PyObject *guard_import(PyObject *self, PyObject *args, PyObject *kwargs) {
        static char name_key[] = "name", globals_key[] = "globals", locals_key[] = "locals",
                    from_key[] = "fromlist", level_key[] = "level";
        static char *keys[] = {name_key, globals_key, locals_key, from_key, level_key, NULL};
        PyObject *given, *globals = NULL, *locals = NULL, *from = NULL, *module;
        _cleanup_(py_unrefp) PyObject *name = NULL;
        Guard *guard = PyCapsule_GetPointer(self, GUARD_CAPSULE);
        bool missing;
        int level = 0;

        if (!guard || !PyArg_ParseTupleAndKeywords(args, kwargs, "U|OOOi:__import__", keys, &given,
                                                   &globals, &locals, &from, &level))
                return NULL;
        name = PyUnicode_FromObject(given); /* a plain str: no methods of the user's to ask */
        if (!name || guard_check_import(guard, name, from, level) < 0)
                return NULL;
        missing = level == 0 && guard->imports && guard_is_missing(name);
        module = PyImport_ImportModuleLevelObject(name, globals, locals, from, level);
        if (!module)
                return NULL;
        source_publish(guard->source);
        if (missing && PyDict_Size(guard->imports) < GUARD_IMPORTS_MAX)
                (void)PyDict_SetItem(guard->imports, name, Py_None);
        return module;
}

static PyMethodDef guard_method = {
        .ml_name = "__import__",
        .ml_meth = (PyCFunction)(void (*)(void))guard_import,
        .ml_flags = METH_VARARGS | METH_KEYWORDS,
        .ml_doc = "__import__(name, globals=None, locals=None, fromlist=(), level=0)\n\n"
                  "Import a module that the policy allows.",
};

static int guard_copy(PyObject *into, PyObject *from, PyObject *name) {
        PyObject *value = PyDict_GetItemWithError(from, name);

        if (value)
                return PyDict_SetItem(into, name, value);
        return PyErr_Occurred() ? -1 : 0;
}

static int guard_grant(PyObject *into, PyObject *from) {
        for (size_t i = 0; i < ARRAY_SIZE(guard_granted); ++i) {
                _cleanup_(py_unrefp) PyObject *name = NULL;

                name = PyUnicode_FromString(guard_granted[i]);
                if (!name || guard_copy(into, from, name) < 0)
                        return -1;
        }
        return 0;
}

static int guard_drop(PyObject *from) {
        for (size_t i = 0; i < ARRAY_SIZE(guard_dropped); ++i) {
                if (PyDict_GetItemString(from, guard_dropped[i]) &&
                    PyDict_DelItemString(from, guard_dropped[i]) < 0)
                        return -1;
        }
        return 0;
}

/* Whatever of @from the rules name. */
static PyObject *guard_pick(const Rules *rules, PyObject *from) {
        _cleanup_(py_unrefp) PyObject *into = NULL;
        _cleanup_(py_unrefp) PyObject *names = NULL;

        into = PyDict_New();
        names = PySequence_List(rules->builtins);
        if (!into || !names)
                return NULL;
        for (Py_ssize_t i = 0; i < PyList_Size(names); ++i)
                if (guard_copy(into, from, PyList_GetItem(names, i)) < 0)
                        return NULL;
        return guard_grant(into, from) < 0 ? NULL : take_ptr(&into);
}

/* Takes out of @from, which is a copy, what the rules name: to put in the rest would touch it. */
static PyObject *guard_strip(const Rules *rules, PyObject *from) {
        _cleanup_(py_unrefp) PyObject *names = NULL;

        names = PySequence_List(rules->builtins);
        if (!names)
                return NULL;
        for (Py_ssize_t i = 0; i < PyList_Size(names); ++i) {
                PyObject *name = PyList_GetItem(names, i);
                int present = PyDict_Contains(from, name);

                if (present < 0 || (present && PyDict_DelItem(from, name) < 0))
                        return NULL;
        }
        return guard_drop(from) < 0 ? NULL : py_ref(from);
}

static PyObject *guard_filter(const Rules *rules, PyObject *prepared) {
        _cleanup_(py_unrefp) PyObject *copy = NULL;

        if (rules->allow)
                return guard_pick(rules, PyEval_GetBuiltins());
        copy = prepared ? py_ref(prepared) : PyDict_Copy(PyEval_GetBuiltins());
        return copy ? guard_strip(rules, copy) : NULL;
}

PyObject *guard_builtins_new(Guard *guard, const Rules *rules, Source *source, PyObject *prepared) {
        _cleanup_(py_unrefp) PyObject *builtins = NULL;
        _cleanup_(py_unrefp) PyObject *function = NULL;
        _cleanup_(py_unrefp) PyObject *capsule = NULL;

        guard->rules = rules;
        guard->source = source;
        guard->refusals = PyDict_New();
        capsule = PyCapsule_New(guard, GUARD_CAPSULE, NULL);
        function = guard->refusals && capsule ? PyCFunction_New(&guard_method, capsule) : NULL;
        builtins = function ? guard_filter(rules, prepared) : NULL;
        if (!builtins || PyDict_SetItemString(builtins, "__import__", function) < 0)
                return NULL;
        return take_ptr(&builtins);
}

int guard_note_imports(Guard *guard) {
        guard->imports = PyDict_New();
        return guard->imports ? 0 : -1;
}

size_t guard_write_imports(const Guard *guard, char *text, size_t size) {
        PyObject *name, *value;
        Py_ssize_t position = 0;
        size_t at = 0;

        while (guard->imports && PyDict_Next(guard->imports, &position, &name, &value)) {
                Py_ssize_t length;
                const char *bytes = PyUnicode_AsUTF8AndSize(name, &length);

                if (bytes && (size_t)length < size - at) {
                        memcpy(text + at, bytes, (size_t)length + 1);
                        at += (size_t)length + 1;
                }
        }
        PyErr_Clear();
        return at;
}

void guard_deinit(Guard *guard) {
        Py_CLEAR(guard->refusals);
        Py_CLEAR(guard->imports);
        guard->rules = NULL;
}

bool guard_refused(const Guard *guard, PyObject *exception) {
        _cleanup_(py_unrefp) PyObject *message = NULL;
        _cleanup_(py_unrefp) PyObject *name = NULL;
        bool refused = false;

        if ((PyObject *)Py_TYPE(exception) != PyExc_ImportError)
                return false;
        message = PyObject_GetAttrString(exception, "msg");
        name = PyObject_GetAttrString(exception, "name");
        if (message && name)
                refused = PyDict_GetItemWithError(guard->refusals, name) == message;
        PyErr_Clear(); /* a name that is not hashable */
        return refused;
}
