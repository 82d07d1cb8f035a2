#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Job: one request inside one confined worker
 *
 * The zygote captures the tools once, before any user code exists; a forked and confined worker
 * then serves exactly one request and exits.
 */
#include <stdbool.h>

#include "base/layers.h"
#include "worker/pyapi.h"

typedef struct JobTools JobTools;

/* Zygote: keeps the callables that a run needs, so that nothing the user's code patches later is
 * called by us. Costs next to nothing. Returns 0, or -1 with a Python exception set. */
int job_tools_new(JobTools **toolsp);
/* Zygote, when all is imported that may add to the builtins: prepares those of a run. Returns 0, or
 * -1 with a Python exception set. */
int job_tools_copy_builtins(JobTools *tools);
/* Zygote, when all modules to preload are there: those whose state must not be the same in every
 * run (CPython's own random starts anew after a fork by itself), and what to rehearse. Returns 0,
 * or -1 with a Python exception set. */
int job_tools_take_preloaded(JobTools *tools);
/* Zygote, when it is idle: imports what only some runs need (traceback, linecache, json), so that
 * later forks find it. Workers forked before work as well, only slower where they need one of
 * these. Returns 0, or -1 with a Python exception set. */
int job_tools_warm(JobTools *tools);

/* Worker: rehearses if it is to, answers WORKER_READY with @layers, waits for one WORKER_RUN on
 * @socket_fd, runs it, sends WORKER_RESULT and exits the process. Holds the GIL. The end of the
 * socket while waiting means that no request will come: exits with 0. */
_Noreturn void job_serve(const JobTools *tools,
                         int socket_fd,
                         int region_fd,
                         uint64_t worker_id,
                         LayerSet layers,
                         bool rehearse);
