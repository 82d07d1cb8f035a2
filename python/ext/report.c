/* SPDX-License-Identifier: MIT */
#include "ext.h"

/* The order here is the order in ext_report_new() and in _spr.pyi. */
static PyStructSequence_Field report_fields[] = {
        {"ok", "the code ended by itself, without an error"},
        {"outcome", "one of the outcomes of spr(1)"},
        {"timed_out", "killed at its deadline"},
        {"resource_exceeded", "ended by its memory limit"},
        {"exit_code", "0 to 255"},
        {"error", "one line, or None"},
        {"killed_by", "who ended the process, or None"},
        {"result_json", "JSON text, or None"},
        {"stdout", "the first part, up to the cap"},
        {"stderr", "the first part, up to the cap"},
        {"stdout_tail", "the last part of a truncated stdout"},
        {"stderr_tail", "the last part of a truncated stderr"},
        {"stdout_truncated", "stdout was longer than the cap"},
        {"stderr_truncated", "stderr was longer than the cap"},
        {"stdout_total", "bytes written in all"},
        {"stderr_total", "bytes written in all"},
        {"wall_ns", "nanoseconds"},
        {"queue_wait_ns", "nanoseconds"},
        {"cpu_user_ns", "nanoseconds"},
        {"cpu_system_ns", "nanoseconds"},
        {"peak_memory_bytes", "beyond the warm interpreter"},
        {"bytes_in", "code and input"},
        {"bytes_out", "result and streams"},
        {"standby", "a worker was ready when the run came"},
        {"page_faults", "as the kernel counted them, or None"},
        {"isolation_level", "none, process, kernel or full"},
        {"layers", "names of the layers applied"},
        {"network", "none or host"},
        {"where", "host"},
        {"run_id", "of the engine's connection"},
        {NULL, NULL},
};

static PyStructSequence_Desc report_description = {
        .name = "safe_py_runner._spr.Report",
        .doc = "Everything libspr says about one run.",
        .fields = report_fields,
        .n_in_sequence = ARRAY_SIZE(report_fields) - 1,
};

int ext_report_add(PyObject *module, ModuleState *state) {
        state->report_type = PyStructSequence_NewType(&report_description);
        if (!state->report_type)
                return -1;

        return PyModule_AddType(module, state->report_type);
}

typedef const char *(*BytesGetter)(const SprResult *result, size_t *lengthp);

/* NULL bytes become None: only the result may be absent. */
static PyObject *report_text(const SprResult *result, BytesGetter get, const char *errors) {
        size_t length = 0;
        const char *bytes = get(result, &length);

        if (!bytes)
                Py_RETURN_NONE;

        return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, errors);
}

static PyObject *report_words(const char *text) {
        if (!text)
                Py_RETURN_NONE;

        return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *report_page_faults(const SprResult *result) {
        uint64_t n;

        if (!spr_result_get_page_faults(result, &n))
                Py_RETURN_NONE;

        return PyLong_FromUnsignedLongLong(n);
}

static PyObject *report_layers(const SprResult *result) {
        _cleanup_(py_decrefp) PyObject *list = PyList_New(0);
        const char *name;

        for (size_t i = 0; list && (name = spr_result_get_layer(result, i)); i++) {
                _cleanup_(py_decrefp) PyObject *item = report_words(name);

                if (!item || PyList_Append(list, item) < 0)
                        return NULL;
        }

        return list ? PyList_AsTuple(list) : NULL;
}

PyObject *ext_report_new(const ModuleState *state, const SprResult *result) {
        PyObject *items[] = {
                PyBool_FromLong(spr_result_get_ok(result)),
                report_words(spr_result_get_outcome_name(result)),
                PyBool_FromLong(spr_result_get_timed_out(result)),
                PyBool_FromLong(spr_result_get_resource_exceeded(result)),
                PyLong_FromLong(spr_result_get_exit_code(result)),
                report_words(spr_result_get_error(result)),
                report_words(spr_result_get_killed_by(result)),
                report_text(result, spr_result_get_json, "surrogatepass"),
                report_text(result, spr_result_get_stdout, "replace"),
                report_text(result, spr_result_get_stderr, "replace"),
                report_text(result, spr_result_get_stdout_tail, "replace"),
                report_text(result, spr_result_get_stderr_tail, "replace"),
                PyBool_FromLong(spr_result_get_stdout_truncated(result)),
                PyBool_FromLong(spr_result_get_stderr_truncated(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_stdout_total(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_stderr_total(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_wall_ns(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_queue_wait_ns(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_cpu_user_ns(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_cpu_system_ns(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_peak_memory_bytes(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_bytes_in(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_bytes_out(result)),
                PyBool_FromLong(spr_result_get_standby(result)),
                report_page_faults(result),
                report_words(spr_result_get_isolation_level(result)),
                report_layers(result),
                report_words(spr_result_get_network(result)),
                report_words(spr_result_get_where(result)),
                PyLong_FromUnsignedLongLong(spr_result_get_run_id(result)),
        };
        PyObject *report = PyStructSequence_New(state->report_type);
        bool complete = report != NULL;

        static_assert(ARRAY_SIZE(items) == ARRAY_SIZE(report_fields) - 1, "an item per field");

        for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
                complete = complete && items[i];
                if (report)
                        PyStructSequence_SetItem(report, (Py_ssize_t)i, items[i]);
                else
                        Py_XDECREF(items[i]);
        }
        if (!complete)
                Py_CLEAR(report);

        return report;
}
