#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Pool: the standbys of one mold, and how many there should be
 *
 * A run that finds no standby doubles their number, up to a limit; standbys that nobody took for a
 * while are not replaced when they are used. A mold that is not asked for any more loses its
 * standbys, unless it is the one asked for last: an environment is always warm for the next run
 * like the last one. What all standbys of an agent take is bounded, by number and by memory.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/mold.h"
#include "base/clock.h"
#include "base/list.h"

typedef struct Pool Pool;

#define POOL_STANDBYS_MIN 2
#define POOL_STANDBYS_MAX 16
#define POOL_LOST_MAX     8                    /* could not be made, in a row */
#define POOL_WINDOW_NS    (2 * NSEC_PER_SEC)   /* in which a surplus shows */
#define POOL_UNUSED_NS    (300 * NSEC_PER_SEC) /* after which a mold is cold again */
#define POOL_FIRST_NS     (10 * NSEC_PER_MSEC) /* after the first run, which may be the only */
#define POOL_SHORT_RUN_NS                                                                          \
        (2 * NSEC_PER_MSEC) /* so long a run may take to be over before a standby is made */
#define POOL_BUDGET_BYTES (UINT64_C(1) << 29)  /* of all adaptive standbys of an agent */
#define POOL_STARTING_MAX 2                    /* standbys that are made at a time */
#define POOL_BUSY_NS      (20 * NSEC_PER_MSEC) /* after a run that found none */
#define POOLS_MAX         16                   /* of an environment */

struct Pool {
        Environment *environment;
        Link link; /* in environment->pools: the one used last first */
        Mold mold;
        Link starting, idle; /* standbys, the oldest first */
        uint32_t n_starting, n_idle, n_workers;
        uint32_t n_wanted;
        uint32_t n_spare; /* that nobody took in this window */
        uint32_t n_lost;  /* since the last run */
        uint64_t n_runs;
        uint64_t used_ns, missed_ns; /* when the last run came; when one last found no standby */
        uint64_t window_ns;          /* when the window ends */
        uint64_t worker_bytes;       /* what one standby has of its own, about; 0 = not known */
};

/* The one of @mold, made where there is none; the first of the list from now on. */
Pool *pool_get(Environment *environment, const Mold *mold);
/* Accepts NULL; ends its standbys. It must have no other workers. */
Pool *pool_free(Pool *pool);

/* A run has come: its standby, which may still be starting, or NULL. */
Worker *pool_take(Pool *pool, uint64_t now_ns);

/* Makes at most one standby where one is missing. Returns when to look again. */
uint64_t pool_tend(Pool *pool, uint64_t now_ns);

/* worker → pool */
void pool_add(Pool *pool, Worker *worker);
void pool_worker_idle(Pool *pool, Worker *worker);
/* It is no standby any more. */
void pool_unlist(Pool *pool, Worker *worker);
void pool_remove(Pool *pool, Worker *worker);
/* It could not be confined, or died. */
void pool_standby_lost(Pool *pool);
/* How a new one is to be made: with a rehearsal, unless runs are waiting for workers as it is. */
bool pool_has_time(const Pool *pool);
