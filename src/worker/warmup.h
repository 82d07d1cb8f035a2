#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Warm-up: from a fresh interpreter to a zygote that may fork
 *
 * Runs once, in the zygote. First the world is closed (namespaces, the read-only view), then the
 * modules are imported, so that what a worker will not find shows now and not in a run.
 */
#include <stdbool.h>

#include "base/layers.h"
#include "worker/job.h"

typedef struct Failure Failure;
typedef struct ViewPlan ViewPlan;
typedef struct WarmZygote WarmZygote;

struct WarmZygote {
        JobTools *tools;
        ViewPlan *view;      /* applied where the host lets us make mounts; else only a list */
        bool privileged;     /* has CAP_SYS_ADMIN, in whatever user namespace */
        bool network;        /* runs share the network of the host */
        LayerSet layers;     /* namespaces made */
        uint32_t n_threads;  /* of this process; only one may fork */
        uint64_t data_bytes; /* what RLIMIT_DATA counts now */
};

/* @proc_fd: /proc, opened before the view hides it; -1 where there is none. What to do is in
 * sys.argv: [1] four numbers (layers to leave out, ENV_FLAG_*, how many paths follow, how many
 * modules to preload), then the paths that runs may read, then the modules, then modules to preload
 * where they can be imported. */
int warmup(WarmZygote *zygote, int proc_fd, Failure *failure);

/* Collects once and hides what is left from every later collection: a collection in a worker would
 * otherwise touch, and so copy, the whole heap. 0, or -1 with a Python exception set. */
int warmup_freeze(void);

/* Takes the pending Python exception as one line of text, "ImportError: …". */
void warmup_take_exception(char *text, size_t size);
