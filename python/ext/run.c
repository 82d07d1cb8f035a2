/* SPDX-License-Identifier: MIT */
/*
 * A blocking run that Ctrl-C ends
 *
 * libspr's wait does not know Python's signal handlers, which only run in the main thread and only
 * between two waits; and the kernel may deliver the signal to any other thread, so that nothing
 * interrupts this one. Hence short waits in the main thread, long ones elsewhere.
 *
 * Where a handler raises, the run is cancelled and its end awaited for a moment, so that the caller
 * finds the slot free; the exception does not wait longer than that.
 */
#include <unistd.h>

#include "ext.h"

#define WAIT_MAIN_NS   UINT64_C(50000000) /* how late a signal may be seen */
#define WAIT_OTHER_NS  UINT64_C(1000000000)
#define WAIT_CANCEL_NS UINT64_C(100000000)

static inline void run_freep(SprRun **runp) {
        if (!*runp)
                return;

        Py_BEGIN_ALLOW_THREADS spr_run_free(*runp);
        Py_END_ALLOW_THREADS
}

static void run_abandon(SprRun *run) {
        PyObject *type, *value, *traceback;
        SprResult *result = NULL;

        PyErr_Fetch(&type, &value, &traceback);
        Py_BEGIN_ALLOW_THREADS spr_run_cancel(run);
        (void)spr_run_wait(run, WAIT_CANCEL_NS, &result, NULL); /* nobody wants the result */
        spr_result_free(result);
        Py_END_ALLOW_THREADS PyErr_Restore(type, value, traceback);
}

static int run_wait(const ModuleState *state, SprRun *run, SprResult **resultp) {
        uint64_t slice_ns = gettid() == getpid() ? WAIT_MAIN_NS : WAIT_OTHER_NS;
        SprError error = {};
        int r;

        for (;;) {
                Py_BEGIN_ALLOW_THREADS r = spr_run_wait(run, slice_ns, resultp, &error);
                Py_END_ALLOW_THREADS if (r == 0) return 0;
                if (r != SPR_E_TIMEOUT && r != SPR_E_INTERRUPTED) {
                        (void)ext_error_raise(state, r, &error);
                        return -1;
                }
                if (PyErr_CheckSignals() < 0) {
                        run_abandon(run);
                        return -1;
                }
        }
}

PyObject *ext_run_request(const ModuleState *state, SprEngine *engine, const SprRequest *request) {
        _cleanup_(spr_result_freep) SprResult *result = NULL;
        _cleanup_(run_freep) SprRun *run = NULL;
        SprError error = {};
        int r;

        Py_BEGIN_ALLOW_THREADS r = spr_engine_submit(engine, request, &run, &error);
        Py_END_ALLOW_THREADS if (r) return ext_error_raise(state, r, &error);
        if (run_wait(state, run, &result) < 0)
                return NULL;

        return ext_report_new(state, result);
}
