#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Keeper: the thread that watches over a connection which may die without a word
 *
 * A local agent ends with its host and shows its own end; behind a command neither side would learn
 * that the way between them is cut. So both live on a lease: the keeper sends a PING every
 * KEEPER_PING_NS, whoever is silent for KEEPER_LEASE_NS is gone. A run that is overdue is not made
 * to wait for that: an agent that then says nothing for KEEPER_OVERDUE_NS is gone as well.
 *
 * The only thread that libspr ever starts, for engines with a command, from their first connection
 * on until they are closed.
 */
#include "client/engine.h"

#define KEEPER_PING_NS    (UINT64_C(5) * 1000000000)
#define KEEPER_LEASE_NS   (UINT64_C(15) * 1000000000)
#define KEEPER_OVERDUE_NS (UINT64_C(1) * 1000000000)

/* Wants the lock. Returns 0 or -errno with the words. */
int keeper_start(SprEngine *engine, Failure *failure);
/* Without the lock: waits for its end. Accepts an engine that never had one. */
void keeper_stop(SprEngine *engine);
/* In the child after fork(), which has no such thread. */
void keeper_forget(SprEngine *engine);

/* One look, with the lock; keeper_start() has it done now and then. Returns how long to sleep. */
uint64_t keeper_look(SprEngine *engine, uint64_t now_ns);
