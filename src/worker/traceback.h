#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Traceback: what sys.stderr gets to see of the end of a run
 */
#include "worker/output.h"
#include "worker/raised.h"
#include "worker/source.h"
#include "worker/tools.h"

/* Shows an exception that nobody caught as CPython would: by sys.excepthook where the code has set
 * one, else as a traceback with the lines of the source. Never fails. */
void traceback_print(const JobTools *tools,
                     const Output *output,
                     Source *source,
                     const Raised *raised);

/* Writes str(@object) and a newline to sys.stderr. Never fails. */
void traceback_print_object(const Output *output, PyObject *object);
