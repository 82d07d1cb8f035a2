#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * BLAS threads: how many threads the OpenBLAS of a preloaded package computes with
 *
 * The zygote says one, by the environment: threads and fork() do not go together. By the time that
 * a run asks for more in the same way, OpenBLAS has been loaded and does not look again: so it is
 * called, in the worker, which starts them.
 */
#include "worker/pyapi.h"

/* Zygote, after the preloads: the function of each that is loaded, a list, or NULL where there is
 * none. Sets no exception. */
PyObject *blas_threads_find(void);

/* Worker: as the run's environment @variables (dict of str) say, as a start with these would. */
void blas_threads_set(PyObject *functions, PyObject *variables);
