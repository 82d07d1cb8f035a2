#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Leader: how threads wait without a thread of our own
 *
 * Of the threads that wait on one engine one is the leader: it polls the stream and applies what
 * comes, also for the others. The others, its followers, sleep until their own run completes or
 * until they are to lead. All functions want the engine's lock.
 */
#include "client/engine.h"

/* Waits until @run is done; with NULL, until the first environment is no longer opening. Leaves the
 * lock while it sleeps. Returns 0, SPR_E_TIMEOUT at @deadline_ns (UINT64_MAX: never), or
 * SPR_E_INTERRUPTED after a signal handler ran in the thread while it led. */
int leader_wait(SprEngine *engine, SprRun *run, uint64_t deadline_ns);

/* What a thread waits for has happened. */
void leader_wake(SprEngine *engine, Waiter *waiter);
void leader_wake_environment(SprEngine *engine);
/* Gets the leader, if there is one, to look again at what it polls for. */
void leader_poke(SprEngine *engine);
