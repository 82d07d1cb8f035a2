/* SPDX-License-Identifier: MIT */
/*
 * A callback is a few bytes of code, written when it is made. Whoever makes them asks the kernel
 * for executable memory a page at a time, and keeps it when callbacks are freed:
 *
 * - CPython's ctypes and cffi's wheels have a free list over anonymous pages of their own;
 * - libffi since 3.4 has tables of trampolines, which it maps from a file that it finds through
 *   /proc or, failing that, writes below /tmp. It unmaps a table that is all free;
 * - older libffi has a heap in anonymous or temporary memory.
 *
 * None of these can grow in a worker: its filter refuses executable memory that is not a read-only
 * file, it has no /proc, and its /tmp is noexec. So the zygote makes as many callbacks as a run may
 * want and frees them again; what is then free goes to every worker by copy. One callback in so
 * many stays, so that no table of libffi ever is all free.
 *
 * All stocks are taken before any is given back: ctypes and cffi may share one libffi.
 *
 * The price in time: 1.5 ms of a cold start, a third of it for loading _ctypes, and as much again
 * where cffi is installed. A smaller stock for the first run would save half of that, and then fail
 * in the one run that most programs make.
 *
 * The price in safety: these pages stay writable and executable, 60 KiB in every worker. Code that
 * has ctypes can put machine code there. It gains nothing by it: ctypes calls any function with any
 * argument, so that what the kernel grants to the process is granted to the code, and no layer
 * rests on the code being Python. That memory is not made executable is one obstacle more for what
 * comes in by a bug of an extension, and these pages are where it would find it removed: hence no
 * more of them than callbacks need.
 */
#include <stdlib.h>

#include "worker/closures.h"
#include "worker/pyapi.h"

/* Less than one table of libffi holds: 102 on x86-64, more elsewhere. */
#define CLOSURES_STRIDE 64
#define CLOSURES_N      (CLOSURES_STOCK + CLOSURES_STOCK / CLOSURES_STRIDE + 2)

typedef struct Closures {
        PyObject *make, *arguments; /* the call that makes one */
        PyObject *held[CLOSURES_N];
} Closures;

static Closures *closures_free(Closures *closures) {
        if (!closures)
                return NULL;
        for (size_t i = 0; i < CLOSURES_N; ++i)
                if (i % CLOSURES_STRIDE)
                        Py_XDECREF(closures->held[i]);
        Py_XDECREF(closures->make);
        Py_XDECREF(closures->arguments);
        free(closures);
        return NULL;
}

DEFINE_CLEANUP(Closures *, closures_free)

/* ctypes.CFUNCTYPE(None), from the C module alone: ctypes itself is Python, and large. */
static int closures_find_ctypes(Closures *closures) {
        _cleanup_(py_unrefp) PyObject *module = NULL;
        _cleanup_(py_unrefp) PyObject *base = NULL;

        module = PyImport_ImportModule("_ctypes");
        base = module ? PyObject_GetAttrString(module, "CFuncPtr") : NULL;
        if (!base)
                return -1;
        closures->make =
                PyObject_CallFunction((PyObject *)Py_TYPE(base), "s(O){s:i,s:O,s:()}", "Callback",
                                      base, "_flags_", 1, "_restype_", Py_None, "_argtypes_");
        closures->arguments = Py_BuildValue("(O)", base); /* anything that can be called */
        return closures->make && closures->arguments ? 0 : -1;
}

/* FFI().callback("void(void)"), from the C module alone. */
static int closures_find_cffi(Closures *closures) {
        _cleanup_(py_unrefp) PyObject *module = NULL;
        _cleanup_(py_unrefp) PyObject *result = NULL;
        _cleanup_(py_unrefp) PyObject *type = NULL;

        module = PyImport_ImportModule("_cffi_backend");
        result = module ? PyObject_CallMethod(module, "new_void_type", NULL) : NULL;
        type = result ? PyObject_CallMethod(module, "new_function_type", "()O", result) : NULL;
        if (!type)
                return -1;
        closures->make = PyObject_GetAttrString(module, "callback");
        closures->arguments = closures->make ? Py_BuildValue("(OO)", type, closures->make) : NULL;
        return closures->arguments ? 0 : -1;
}

static Closures *closures_take(int (*find)(Closures *)) {
        Closures *closures = calloc(1, sizeof(*closures));

        if (!closures || find(closures) < 0)
                return closures;
        for (size_t i = 0; i < CLOSURES_N; ++i) {
                closures->held[i] = PyObject_CallObject(closures->make, closures->arguments);
                if (!closures->held[i])
                        break;
        }
        return closures;
}

static int closures_collector_call(PyObject *gc, const char *method) {
        _cleanup_(py_unrefp) PyObject *done = PyObject_CallMethod(gc, method, NULL);

        return done ? 0 : -1;
}

static void closures_stock_both(void) {
        _cleanup_(closures_freep) Closures *ctypes = NULL;
        _cleanup_(closures_freep) Closures *cffi = NULL;

        ctypes = closures_take(closures_find_ctypes);
        PyErr_Clear(); /* it is not there, or this host grants nobody executable memory */
        cffi = closures_take(closures_find_cffi);
        PyErr_Clear();
}

/* The collector would look at each callback several times over: half as long again. */
void closures_stock(void) {
        _cleanup_(py_unrefp) PyObject *gc = NULL;
        _cleanup_(py_unrefp) PyObject *enabled = NULL;

        gc = PyImport_ImportModule("gc");
        enabled = gc ? PyObject_CallMethod(gc, "isenabled", NULL) : NULL;
        if (!enabled || closures_collector_call(gc, "disable") < 0) {
                PyErr_Clear();
                return;
        }
        closures_stock_both();
        if (PyObject_IsTrue(enabled) > 0)
                (void)closures_collector_call(gc, "enable");
}
