#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Exchange: what the agent says, applied to the runs it speaks of
 *
 * All functions want the engine's lock.
 */
#include "client/engine.h"

/* Reads and handles what has come, answers, sends what can be sent. Never blocks. */
void exchange_run(SprEngine *engine);
/* Only reads, until nothing is left; the last words of an agent that has closed the stream. */
int exchange_drain(SprEngine *engine, Failure *failure);
/* Sends queued runs as far as the agent takes them. Returns 0 or -errno with the words. */
int exchange_feed(SprEngine *engine, Failure *failure);

/* When a run in the queue is overdue; UINT64_MAX = never. */
uint64_t exchange_deadline_ns(const SprEngine *engine);
/* Ends the runs in the queue that are overdue. */
void exchange_expire(SprEngine *engine);

/* Takes a run out of flight. */
void exchange_detach(SprEngine *engine, SprRun *run);
/* Gives a finished run to its waiter, or to the list that is popped, and drops the reference. */
void exchange_deliver(SprEngine *engine, SprRun *run);
/* Ends the runs in @environment, with NULL every run: with @cold as an error where the user's code
 * cannot have started, else with @warm as a result. */
void exchange_fail_all(SprEngine *engine,
                       const Environment *environment,
                       const Failure *cold,
                       const Failure *warm);
