#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Network, IPC, UTS and cgroup namespaces
 *
 * The first three are made once by the zygote, empty, and shared by its runs.
 *
 * A network namespace per run would cost 0.3 ms and stall the whole machine; an empty one that all
 * runs share gives them nothing to share, since it has no interface that is up.
 */
#include <stdbool.h>

#include "base/layers.h"

typedef struct Failure Failure;

/* Zygote: enters those of @wanted that the kernel grants. What was refused is not in the answer. */
LayerSet namespaces_enter_empty(LayerSet wanted);
/* Worker: one of its own, whose root is the control group that it has joined. */
int namespaces_enter_cgroup(Failure *failure);
/* Agent: whether that can be done: 1 or 0, by a trial; negative errno if that was not possible. */
int namespaces_probe_cgroup(void);
