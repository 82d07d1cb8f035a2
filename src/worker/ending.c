/* SPDX-License-Identifier: MIT */
/*
 * The order of the end: code ends, result serialised, non-daemon threads joined, answer written and
 * announced if there are atexit functions, these, flush, answer, _exit. It is the order of
 * Py_Finalize() without its last act: modules are not torn down, so no __del__ and no late thread
 * can run after the answer.
 *
 * While the answer is put together (before and after the part that belongs to the code) signals are
 * blocked, trace hooks are gone and the recursion limit is ours. And there is memory: a code that
 * has used up all it may have would leave none for the few objects an answer needs, so address
 * space is set aside before and given back at its end. It is never touched, so it costs nothing; it
 * is larger than an arena of CPython's allocator, which asks for memory by the MiB.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "worker/ending.h"

#define ENDING_RESERVE_BYTES (4 * 1024 * 1024)
#define ENDING_MONITORS      6 /* tools that sys.monitoring has room for */

void ending_prepare(Ending *ending) {
        void *reserve = mmap(NULL, ENDING_RESERVE_BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        ending->reserve = reserve == MAP_FAILED ? NULL : reserve;
}

/* All but what the kernel raises for a fault of the program itself: blocked, these kill. */
static void ending_block_signals(Ending *ending) {
        sigset_t mask;

        (void)sigfillset(&mask);
        (void)sigdelset(&mask, SIGSEGV);
        (void)sigdelset(&mask, SIGBUS);
        (void)sigdelset(&mask, SIGFPE);
        (void)sigdelset(&mask, SIGILL);
        (void)sigdelset(&mask, SIGABRT);
        (void)sigdelset(&mask, SIGTRAP);
        (void)sigdelset(&mask, SIGSYS);
        (void)sigprocmask(SIG_BLOCK, &mask, &ending->mask);
}

static void ending_call_none(PyObject *function) {
        _cleanup_(py_unrefp) PyObject *answer = NULL;

        answer = PyObject_CallFunctionObjArgs(function, Py_None, NULL);
        PyErr_Clear();
}

static void ending_stop_monitors(PyObject *monitoring) {
        for (int id = 0; id < ENDING_MONITORS; ++id) {
                _cleanup_(py_unrefp) PyObject *answer = NULL;

                answer = PyObject_CallMethod(monitoring, "set_events", "ii", id, 0);
                PyErr_Clear(); /* nobody uses this one */
        }
}

void ending_begin(Ending *ending, const JobTools *tools) {
        ending_block_signals(ending);
        if (ending->reserve)
                (void)munmap(ending->reserve, ENDING_RESERVE_BYTES);
        ending->reserve = NULL;
        ending_call_none(tools->settrace);
        ending_call_none(tools->setprofile);
        if (tools->monitoring)
                ending_stop_monitors(tools->monitoring);
        Py_SetRecursionLimit(tools->recursion_limit);
}

void ending_restore(Ending *ending) {
        if (ending->reserve) /* it did not come to its end */
                (void)munmap(ending->reserve, ENDING_RESERVE_BYTES);
        else
                (void)sigprocmask(SIG_SETMASK, &ending->mask, NULL);
        ending->reserve = NULL;
}

/* threading._shutdown, if threading was ever imported; NULL without an exception. */
static PyObject *ending_get_shutdown(void) {
        PyObject *module, *shutdown;

        module = PyDict_GetItemString(PyImport_GetModuleDict(), "threading");
        shutdown = module ? PyObject_GetAttrString(module, "_shutdown") : NULL;
        PyErr_Clear();
        return shutdown;
}

void ending_join_threads(Ending *ending) {
        _cleanup_(py_unrefp) PyObject *shutdown = NULL;
        _cleanup_(py_unrefp) PyObject *answer = NULL;

        (void)sigprocmask(SIG_SETMASK, &ending->mask, NULL);
        shutdown = ending_get_shutdown();
        if (shutdown) {
                answer = PyObject_CallObject(shutdown, NULL);
                if (!answer)
                        PyErr_WriteUnraisable(shutdown);
        }
        ending_block_signals(ending);
}

bool ending_has_exit_functions(const JobTools *tools) {
        _cleanup_(py_unrefp) PyObject *n = NULL;
        long count;

        n = PyObject_CallObject(tools->count_exitfuncs, NULL);
        count = n ? PyLong_AsLong(n) : 1;
        PyErr_Clear();
        return count != 0;
}

static void ending_run_atexit(const JobTools *tools) {
        _cleanup_(py_unrefp) PyObject *answer = NULL;

        answer = PyObject_CallObject(tools->run_exitfuncs, NULL);
        PyErr_Clear(); /* already shown; before 3.10 the last one is raised as well */
}

void ending_run(Ending *ending, const JobTools *tools, const Output *output) {
        (void)sigprocmask(SIG_SETMASK, &ending->mask, NULL);
        ending_run_atexit(tools);
        output_flush_replaced(output);
        Py_BEGIN_ALLOW_THREADS /* a thread may hold the lock of a C stream and want the GIL */
                (void) fflush(NULL);
        Py_END_ALLOW_THREADS ending_block_signals(ending);
        ending_call_none(tools->settrace); /* atexit functions can set it anew */
        ending_call_none(tools->setprofile);
}
