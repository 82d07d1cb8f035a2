#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Rules: the Python-level policy as the worker enforces it
 *
 * In restrict mode a set names what is refused, in allow mode what is granted; only the sets of the
 * mode are read. A guardrail with good messages, never the boundary.
 */
#include <stdbool.h>

#include "worker/json.h"
#include "worker/pyapi.h"

typedef struct Rules Rules;

struct Rules {
        bool allow;        /* the mode */
        PyObject *imports; /* sets of str */
        PyObject *builtins;
        PyObject *globals;
        PyObject *extra_globals; /* dict */
        PyObject *variables;     /* dict: what the environment gets */
        Py_ssize_t n_dots;       /* in the import with most of them */
};

#define RULES_NULL                                                                                 \
        (Rules) {                                                                                  \
                .allow = false                                                                     \
        }

/* From the JSON text the host makes (policy_to_worker_json). 0, or -1 with an exception set. */
int rules_init(Rules *rules, const JsonTools *json, PyObject *policy);
void rules_deinit(Rules *rules);
/* Whether @name, a str, may be used: 1, 0, or -1 with an exception set. */
int rules_allow(const Rules *rules, PyObject *set, PyObject *name);
