#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Program: the user's code, compiled, evaluated, and its end made an answer
 */
#include "worker/answer.h"
#include "worker/guard.h"
#include "worker/output.h"
#include "worker/source.h"
#include "worker/tools.h"

typedef struct Program Program;
typedef struct Raised Raised;

struct Program {
        const JobTools *tools;
        const Output *output;
        const Guard *guard;
        Source *source;
        PyObject *globals;
};

/* Makes the exception now set, on the way to a code object, the answer, and shows it. */
void program_refuse(const Program *program, Answer *answer);
/* Compiles the source; NULL, after giving the answer, where it does not compile. */
PyObject *program_compile(const Program *program, Answer *answer);
/* Evaluates @code, and nothing after it. @raised receives what nobody caught, if anything. */
void program_evaluate(const Program *program, PyObject *code, Raised *raised);
/* Turns what nobody caught into the answer, and shows it on sys.stderr. */
void program_judge(const Program *program, const Raised *raised, Answer *answer);
