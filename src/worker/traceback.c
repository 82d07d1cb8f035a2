/* SPDX-License-Identifier: MIT */
/*
 * Showing an exception, from the best way to the surest
 *
 * The traceback module knows the source lines, carets, chains and groups of every version; it is
 * Python, and a run can leave an interpreter in which Python no longer works. Then CPython's
 * display in C takes over, without source lines. The text goes to whatever sys.stderr is, as in any
 * Python; where that fails, straight to the stream. Code of the user runs here (hooks, __str__,
 * write), so every step may fail and none matters to the outcome.
 */
#include "worker/traceback.h"

/* Writes @object, as str(), to sys.stderr as it is now: 0, or -1 without an exception. */
static int traceback_write(PyObject *object) {
        _cleanup_(py_unrefp) PyObject *file = NULL;
        int r;

        file = PySys_GetObject("stderr"); /* borrowed */
        if (!file)
                return -1;
        Py_INCREF(file);
        if (file == Py_None)
                return -1;
        r = PyFile_WriteObject(object, file, Py_PRINT_RAW);
        PyErr_Clear();
        return r;
}

static void traceback_write_text(const Output *output, PyObject *text) {
        if (traceback_write(text) == 0)
                return;
        (void)output_append_text(output, REGION_STDERR, text); /* else it is lost */
        PyErr_Clear();
}

static void traceback_write_words(const Output *output, const char *words) {
        _cleanup_(py_unrefp) PyObject *text = NULL;

        text = PyUnicode_FromString(words);
        if (text)
                traceback_write_text(output, text);
        PyErr_Clear();
}

/* In a cold worker the module is imported only now. */
static PyObject *traceback_get_formatter(const JobTools *tools) {
        _cleanup_(py_unrefp) PyObject *module = NULL;

        if (tools->format_exception)
                return py_ref(tools->format_exception);
        module = PyImport_ImportModule("traceback");
        return module ? PyObject_GetAttrString(module, "format_exception") : NULL;
}

/* The whole traceback as one str; NULL without an exception. */
static PyObject *traceback_format(const JobTools *tools, Source *source, const Raised *raised) {
        _cleanup_(py_unrefp) PyObject *formatter = NULL;
        _cleanup_(py_unrefp) PyObject *nothing = NULL;
        _cleanup_(py_unrefp) PyObject *pieces = NULL;
        PyObject *text = NULL;

        formatter = traceback_get_formatter(tools);
        if (formatter) {
                source_publish(source);
                pieces = PyObject_CallFunctionObjArgs(
                        formatter, raised->type, raised->value,
                        raised->traceback ? raised->traceback : Py_None, NULL);
        }
        nothing = pieces ? PyUnicode_FromString("") : NULL;
        if (nothing)
                text = PyUnicode_Join(nothing, pieces);
        PyErr_Clear();
        return text;
}

/* CPython's own display, made to write to our stream. */
static void traceback_display(const JobTools *tools, const Output *output, const Raised *raised) {
        _cleanup_(py_unrefp) PyObject *answer = NULL;

        if (PySys_SetObject("stderr", output->text[REGION_STDERR]) == 0)
                answer = PyObject_CallFunctionObjArgs(
                        tools->display, raised->type, raised->value,
                        raised->traceback ? raised->traceback : Py_None, NULL);
        PyErr_Clear();
}

static void traceback_print_default(const JobTools *tools,
                                    const Output *output,
                                    Source *source,
                                    const Raised *raised) {
        _cleanup_(py_unrefp) PyObject *text = NULL;

        text = traceback_format(tools, source, raised);
        if (text)
                traceback_write_text(output, text);
        else
                traceback_display(tools, output, raised);
}

void traceback_print(const JobTools *tools,
                     const Output *output,
                     Source *source,
                     const Raised *raised) {
        _cleanup_(raised_deinitp) Raised failure = RAISED_NULL;
        _cleanup_(py_unrefp) PyObject *answer = NULL;
        PyObject *hook = PySys_GetObject("excepthook");

        if (!hook || hook == tools->excepthook || hook == tools->display) {
                traceback_print_default(tools, output, source, raised);
                return;
        }
        answer =
                PyObject_CallFunctionObjArgs(hook, raised->type, raised->value,
                                             raised->traceback ? raised->traceback : Py_None, NULL);
        if (answer)
                return;
        raised_fetch(&failure);
        traceback_write_words(output, "Error in sys.excepthook:\n");
        traceback_print_default(tools, output, source, &failure);
        traceback_write_words(output, "\nOriginal exception was:\n");
        traceback_print_default(tools, output, source, raised);
}

void traceback_print_object(const Output *output, PyObject *object) {
        _cleanup_(py_unrefp) PyObject *text = NULL;

        text = PyObject_Str(object);
        if (text)
                traceback_write_text(output, text);
        PyErr_Clear();
        traceback_write_words(output, "\n");
}
