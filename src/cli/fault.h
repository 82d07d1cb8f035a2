#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Fault: why the command could not do what was asked, and its exit status
 *
 * The verbs' parts fill it and return its status, so that `return fault_set(…)` reads well; the
 * verb says the words once, at its end. 0 is success everywhere.
 */
#include <spr/spr.h>

#include "base/attr.h"

typedef struct Fault Fault;

struct Fault {
        int status; /* STATUS_*, never 0 once set */
        char text[1024];
        char remedy[2048]; /* a command to type instead; empty where there is none */
};

int fault_set(Fault *fault, int status, const char *format, ...) _printf_(3, 4);
/* From @r, what a function of libspr returned (never 0), with the words of @error if it has any. */
int fault_set_error(Fault *fault, int r, const SprError *error);
int fault_set_oom(Fault *fault);
