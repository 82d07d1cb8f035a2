/* SPDX-License-Identifier: MIT */
#include "worker/answer.h"
#include "worker/raised.h"

void answer_deinit(Answer *answer) {
        Py_CLEAR(answer->error);
        Py_CLEAR(answer->result);
}

void answer_set_consume(Answer *answer, WorkerVerdict verdict, int exit_code, PyObject *error) {
        if (!error)
                PyErr_Clear();
        Py_CLEAR(answer->error);
        if (verdict != VERDICT_OK)
                Py_CLEAR(answer->result);
        answer->verdict = verdict;
        answer->exit_code = exit_code;
        answer->error = error;
}

void answer_set_memory(Answer *answer) {
        answer_set_consume(answer, VERDICT_MEMORY, 2,
                           PyUnicode_FromString("Memory limit exceeded"));
}

void answer_set_raised(Answer *answer, const char *prefix) {
        _cleanup_(raised_deinitp) Raised raised = RAISED_NULL;
        _cleanup_(py_unrefp) PyObject *text = NULL;

        raised_fetch(&raised);
        if (PyErr_GivenExceptionMatches(raised.type, PyExc_MemoryError)) {
                answer_set_memory(answer);
                return;
        }
        text = prefix ? raised_summary(&raised) : PyObject_Str(raised.value);
        if (prefix && text)
                answer_set_consume(answer, VERDICT_ERROR, 1,
                                   PyUnicode_FromFormat("%s%U", prefix, text));
        else
                answer_set_consume(answer, VERDICT_ERROR, 1, take_ptr(&text));
}
