#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Loop: the face of an engine towards event loops
 *
 * One epoll descriptor for the engine's life. In it are the stream, of whichever connection there
 * is, a timer for the first run in the queue, and an eventfd that is set while results wait which
 * the loop has not heard of, because another thread brought them in. Nothing here happens until the
 * descriptor was asked for. All functions want the engine's lock.
 */
#include "client/engine.h"

/* Holds the stream's events in the epoll set to what the engine waits for. */
void loop_watch(SprEngine *engine);
/* Before the stream is closed: a forked child may hold it open, and then closing removes nothing.
 */
void loop_unwatch(SprEngine *engine);
/* A posted run has completed. */
void loop_signal(SprEngine *engine);
/* In the child after fork(): the same descriptor number, a set of its own. */
void loop_after_fork(SprEngine *engine);
