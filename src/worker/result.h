#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Result: the value the code leaves behind, as JSON
 */
#include <stdint.h>

#include "worker/answer.h"
#include "worker/json.h"

/* Takes the global `result` into the answer, or makes the answer say why that cannot be. */
void result_collect(const JsonTools *json, PyObject *globals, uint64_t max, Answer *answer);

/* Writes the answer's texts to their places in the region and describes them. */
WorkerResultFrame result_write(const Answer *answer, void *mapping);
