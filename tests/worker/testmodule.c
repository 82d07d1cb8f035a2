/* SPDX-License-Identifier: MIT */
/*
 * The worker without a zygote: what tests/worker/zygote.py needs to serve runs
 *
 * worker_test.layout()                           of the region
 * worker_test.prepare(warm)                      once, makes the tools
 * worker_test.serve(socket, region, run, …)      in a forked child; does not return
 *
 * serve() is made sys.excepthook of the child, which then raises: the interpreter calls the hook
 * from C when the child's program is already gone, so that no Python frame of the test stands above
 * the code, and no other trace of it is left.
 */
#include "wire/region.h"
#include "worker/job.h"

static JobTools *test_tools;
static bool test_is_warm; /* then workers rehearse, like standbys */

static PyObject *test_prepare(_unused_ PyObject *self, PyObject *args) {
        int warm;

        if (!PyArg_ParseTuple(args, "p", &warm))
                return NULL;
        if (!test_tools && job_tools_new(&test_tools) < 0)
                return NULL;
        if (warm && (job_tools_warm(test_tools) < 0 || job_tools_take_preloaded(test_tools) < 0 ||
                     job_tools_copy_builtins(test_tools) < 0))
                return NULL;
        test_is_warm = warm;
        return py_ref(Py_None);
}

/* What an exception that reaches the interpreter leaves behind. */
static void test_forget_exception(void) {
        static const char *const names[] = {"last_exc", "last_type", "last_value",
                                            "last_traceback"};

        (void)PySys_SetObject("excepthook", PySys_GetObject("__excepthook__"));
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                (void)PySys_SetObject(names[i], NULL);
        PyErr_Clear();
}

static PyObject *test_serve(_unused_ PyObject *self, PyObject *args) {
        unsigned long long run_id;
        int socket_fd, region_fd;
        PyObject *ignored;

        if (!PyArg_ParseTuple(args, "iiKOOO", &socket_fd, &region_fd, &run_id, &ignored, &ignored,
                              &ignored))
                return NULL;
        test_forget_exception();
        job_serve(test_tools, socket_fd, region_fd, run_id, 5, test_is_warm);
}

/* Where things lie in a region: request, stdout, stderr, error, result, and the size of all. */
static PyObject *test_layout(_unused_ PyObject *self, _unused_ PyObject *none) {
        return Py_BuildValue(
                "KKKKKK", (unsigned long long)REGION_REQUEST_OFFSET,
                (unsigned long long)REGION_STDOUT_OFFSET, (unsigned long long)REGION_STDERR_OFFSET,
                (unsigned long long)REGION_ERROR_OFFSET, (unsigned long long)REGION_RESULT_OFFSET,
                (unsigned long long)REGION_SIZE);
}

static PyMethodDef test_methods[] = {
        {.ml_name = "layout", .ml_meth = test_layout, .ml_flags = METH_NOARGS},
        {.ml_name = "prepare", .ml_meth = test_prepare, .ml_flags = METH_VARARGS},
        {.ml_name = "serve", .ml_meth = test_serve, .ml_flags = METH_VARARGS},
        {.ml_name = NULL},
};

static struct PyModuleDef test_module = {
        .m_base = PyModuleDef_HEAD_INIT,
        .m_name = "worker_test",
        .m_size = -1,
        .m_methods = test_methods,
};

PyMODINIT_FUNC PyInit_worker_test(void);

PyMODINIT_FUNC PyInit_worker_test(void) {
        return PyModule_Create(&test_module);
}
