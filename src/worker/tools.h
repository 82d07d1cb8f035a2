#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Tools: the callables of the interpreter that a run needs, taken before any user code exists
 *
 * Made by job_tools_new() in the zygote, used by the worker. What the user's code does to modules
 * and builtins changes nothing of what stands here.
 */
#include "worker/job.h"
#include "worker/json.h"
#include "worker/output.h"
#include "worker/pyapi.h"
#include "worker/rehearsal.h"

struct JobTools {
        JsonTools json;
        OutputTypes output;

        PyObject *compile;          /* builtins.compile */
        PyObject *string_io;        /* io.StringIO */
        PyObject *display;          /* sys.__excepthook__: in C, needs no module */
        PyObject *excepthook;       /* what sys.excepthook is when nobody replaced it */
        PyObject *gc;               /* the module */
        PyObject *settrace;         /* sys.settrace */
        PyObject *setprofile;       /* sys.setprofile */
        PyObject *monitoring;       /* sys.monitoring, NULL before 3.12 */
        PyObject *run_exitfuncs;    /* atexit._run_exitfuncs */
        PyObject *count_exitfuncs;  /* atexit._ncallbacks */
        PyObject *format_exception; /* traceback.format_exception, NULL until job_tools_warm() */
        PyObject *numpy_seed;       /* numpy.random.seed, NULL where it is not preloaded */
        PyObject *blas_threads;     /* of blas_threads_find() */
        PyObject *builtins;         /* a copy, NULL until job_tools_copy_builtins() */
        PyObject *streams[2];       /* the zygote's sys.stdout and sys.stderr, never used again */
        Rehearsal rehearsal;
        int recursion_limit;
};

/* Worker: starts the sequences anew that it would otherwise share with its siblings. */
void job_tools_reseed(const JobTools *tools);
