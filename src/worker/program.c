/* SPDX-License-Identifier: MIT */
/*
 * From source to outcome
 *
 * The code is compiled from str, not from bytes: a coding cookie then means nothing, and the text
 * is the one that a person sees. It is evaluated from C with no Python frame of ours above it, so
 * there is none to climb to and none in tracebacks.
 *
 * Deeply nested source exhausts the parser's stack, which CPython reports as a MemoryError or a
 * RecursionError, or (some versions, some shapes) by a crash. The first two mean that the source
 * does not compile; only the third is the agent's to tell.
 */
#include "worker/program.h"
#include "worker/raised.h"
#include "worker/traceback.h"

void program_refuse(const Program *program, Answer *answer) {
        _cleanup_(raised_deinitp) Raised raised = RAISED_NULL;

        raised_fetch(&raised);
        traceback_print(program->tools, program->output, program->source, &raised);
        answer_set_consume(answer, VERDICT_ERROR, 1, raised_summary(&raised));
}

PyObject *program_compile(const Program *program, Answer *answer) {
        PyObject *code;

        code = PyObject_CallFunction(program->tools->compile, "OOsii", program->source->text,
                                     program->source->name, "exec", 0, /* flags */
                                     1);                               /* dont_inherit */
        if (!code)
                program_refuse(program, answer);
        return code;
}

void program_evaluate(const Program *program, PyObject *code, Raised *raised) {
        _cleanup_(py_unrefp) PyObject *value = NULL;

        value = PyEval_EvalCode(code, program->globals, program->globals);
        /* Signals that came while the last line ran belong to the code, not to us. */
        if (!value || PyErr_CheckSignals() < 0)
                raised_fetch(raised);
}

/* The status of sys.exit(@value): an integer's low byte, but never 0 for one that is not. */
static int program_status(PyObject *value) {
        int status, zero;

        if (value == Py_None)
                return 0;
        if (!PyLong_Check(value))
                return 1;
        status = (int)(PyLong_AsUnsignedLongLongMask(value) & 0xff);
        zero = PyObject_Not(value);
        PyErr_Clear(); /* a subclass with opinions */
        return status == 0 && zero != 1 ? 1 : status;
}

static void program_judge_exit(const Program *program, const Raised *raised, Answer *answer) {
        _cleanup_(py_unrefp) PyObject *value = NULL;
        int status;

        value = PyObject_GetAttrString(raised->value, "code");
        if (!value) { /* as CPython: the exception itself is the message */
                PyErr_Clear();
                value = py_ref(raised->value);
        }
        status = program_status(value);
        if (value != Py_None && !PyLong_Check(value))
                traceback_print_object(program->output, value);
        if (status != 0)
                answer_set_consume(answer, VERDICT_OK, status, raised_summary(raised));
}

void program_judge(const Program *program, const Raised *raised, Answer *answer) {
        if (!raised->type)
                return;
        if (PyErr_GivenExceptionMatches(raised->type, PyExc_SystemExit)) {
                program_judge_exit(program, raised, answer);
                return;
        }
        traceback_print(program->tools, program->output, program->source, raised);
        if (PyErr_GivenExceptionMatches(raised->type, PyExc_MemoryError))
                answer_set_memory(answer);
        else if (guard_refused(program->guard, raised->value))
                answer_set_consume(answer, VERDICT_DENIED, 1, raised_summary(raised));
        else
                answer_set_consume(answer, VERDICT_ERROR, 1, raised_summary(raised));
}
