#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Engine: one agent, its environments, and the runs that are in flight there
 *
 * One lock guards everything in it, also its runs and its connection. It is held for computing and
 * for non-blocking system calls, and while an agent is spawned, never while something is waited
 * for. What takes longer (the end of a lost agent) is put aside and done by engine_unlock().
 *
 * Who does what: engine.c births, submits and loses; exchange.c applies what the agent says;
 * leader.c lets threads wait; loop.c serves event loops; handle.c is the public face of runs.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/failure.h"
#include "client/audit.h"
#include "client/blob.h"
#include "client/connection.h"
#include "client/environment.h"
#include "client/queue.h"
#include "client/run.h"
#include "engine/transport.h"
#include "spr/spr.h"

typedef struct Keeper {
        pthread_t thread;
        bool runs;
        int stop_fd; /* eventfd; -1 = it does not run */
} Keeper;

#define KEEPER_NULL                                                                                \
        (Keeper) {                                                                                 \
                .stop_fd = -1                                                                      \
        }

struct SprEngine {
        atomic_uint n_refs; /* the owner, and every handle of a run */
        pthread_mutex_t lock;
        bool closed;

        Transport *transport;
        Connection *connection; /* NULL until the first run, and after the agent died */
        Keeper keeper;          /* of a connection behind a command */
        uint64_t startup_timeout_ns;
        Connection *lost; /* to be freed when the lock is not held */

        Environments environments;
        Audit *audit; /* NULL = none; stays the same */

        uint64_t next_id;  /* of runs and environments, never reused */
        uint64_t first_id; /* of this connection */
        RunTable sent;
        RunQueue queue;
        RunList done; /* posted ones, not popped */
        SprStats stats;

        Waiter *leader;           /* the thread that polls the stream */
        bool leader_sleeps;       /* in poll(2), without the lock */
        bool leader_writes;       /* and polls for writing too */
        uint64_t leader_until_ns; /* when it looks after the queue by itself */
        Waiter *followers;
        int wake_fd; /* eventfd: gets the leader out of poll(2) */

        int epoll_fd;      /* what spr_engine_get_fd() gives; -1 until then */
        int completion_fd; /* eventfd in it: runs have completed */
        bool completion_signalled;
        bool dispatching;
        uint32_t watched;  /* the stream's events in epoll_fd */
        int timer_fd;      /* in it, too: a run in the queue is overdue */
        uint64_t timer_ns; /* what it is set to; UINT64_MAX = not set */

        SprEngine *previous, *next; /* in the list of atfork.c */
};

/* @environment is the payload of ENV_OPEN. Takes @transport over, also on failure. Returns 0 or
 * -errno with the words. */
int engine_new(SprEngine **enginep, Blob *environment, Transport *transport, Failure *failure);
SprEngine *engine_ref(SprEngine *engine);
SprEngine *engine_unref(SprEngine *engine);

void engine_lock(SprEngine *engine);
/* Also frees lost connections, which blocks up to two seconds for an agent that does not end. */
void engine_unlock(SprEngine *engine);

/* A run of @request, as this engine wants it; does not want the lock, since what there is to hash
 * may be large. Returns 0 or -errno with the words. */
int engine_new_run(const SprEngine *engine,
                   const SprRequest *request,
                   SprRun **runp,
                   Failure *failure);

/* All below want the lock. */

/* Sends or queues a new run and takes a reference. Connects and opens its environment where there
 * is none. On failure the run was never known to an agent. Returns 0 or -errno with the words;
 * -EBUSY where the queue is full. */
int engine_submit(SprEngine *engine, SprRun *run, Failure *failure);
/* Connects and opens the first environment, without waiting for it. Returns 0 or -errno. */
int engine_warm(SprEngine *engine, Failure *failure);
/* Has the agent close an environment whose runs have ended. Returns 0 or -errno with the words. */
int engine_close_environment(SprEngine *engine,
                             Environment *environment,
                             const Failure *why,
                             Failure *failure);
/* Cancels a run, whatever its state. */
void engine_cancel(SprEngine *engine, SprRun *run);
/* The agent died or misbehaved: ends every run. Reads first what it had left to say. */
void engine_lose(SprEngine *engine, const Failure *failure);
/* Whatever was put into the outbox is on its way, now or when the stream takes it. */
void engine_flush(SprEngine *engine);
/* Makes the others know: the leader, and epoll, of bytes that still wait and of the time when a run
 * in the queue is overdue. */
void engine_settle(SprEngine *engine);
/* In the child after fork(). */
void engine_after_fork(SprEngine *engine);

DEFINE_CLEANUP(SprEngine *, engine_unref)
