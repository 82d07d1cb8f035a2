#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Rehearsal: a job that a standby does before it has one
 *
 * Most of what a run costs is page faults: every page of the interpreter that it writes to for the
 * first time is copied, since it is the zygote's. A standby has time to do that before anybody
 * waits for it. So it runs a fixed program that is built like the ones to come, by the same way
 * through the worker, and forgets its outcome.
 *
 * The program imports nothing that is not there already and leaves nothing behind but free memory.
 */
#include "worker/pyapi.h"

typedef struct Rehearsal Rehearsal;

struct Rehearsal {
        PyObject *code, *input, *policy; /* bytes, as a request has them */
        PyObject *name;                  /* str */
};

/* Zygote, when all modules to preload are there. 0, or -1 with a Python exception set. */
int rehearsal_init(Rehearsal *rehearsal);
