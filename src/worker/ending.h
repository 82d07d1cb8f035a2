#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Ending: what happens between the last line of the code and the answer
 */
#include <signal.h>
#include <stdbool.h>

#include "worker/output.h"
#include "worker/tools.h"

typedef struct Ending Ending;

struct Ending {
        void *reserve; /* address space set aside; NULL = none */
        sigset_t mask; /* the code's signal mask while ours is in force */
};

/* Before the code: sets a reserve aside. */
void ending_prepare(Ending *ending);
/* The code has ended: nothing it left behind may disturb us. Signals wait from here on. */
void ending_begin(Ending *ending, const JobTools *tools);
/* As before ending_begin(): for an end that was none. */
void ending_restore(Ending *ending);
/* Signals pass while the threads of the code, all but daemons, come to their end. */
void ending_join_threads(Ending *ending);
bool ending_has_exit_functions(const JobTools *tools);
/* The end of the interpreter as the code sees it: signals pass again while atexit functions run and
 * files are flushed; then they wait for good. */
void ending_run(Ending *ending, const JobTools *tools, const Output *output);
