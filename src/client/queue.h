#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Queue: runs that wait on this side for a free slot of their engine
 *
 * First in, first out, whoever submitted them. Bounded in number and, where the engine has an
 * acquire_timeout, in time. The time is the same for all, so the first of the queue is always the
 * first that is overdue.
 *
 * Not locked: the engine's lock guards it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "client/run.h"

typedef struct QueueLimits QueueLimits;
typedef struct RunQueue RunQueue;

#define QUEUE_MAX_DEFAULT 65536

struct QueueLimits {
        uint32_t max_concurrency;    /* runs at the agent at a time; 0 = as many as it takes */
        uint32_t max_queue;          /* runs that may wait */
        uint64_t acquire_timeout_ns; /* how long one may wait; UINT64_MAX = for ever */
};

#define QUEUE_LIMITS_NULL                                                                          \
        (QueueLimits) {                                                                            \
                .max_queue = QUEUE_MAX_DEFAULT, .acquire_timeout_ns = UINT64_MAX                   \
        }

struct RunQueue {
        QueueLimits limits;
        Link order;     /* the oldest first */
        RunTable table; /* the same runs by id */
};

void queue_init(RunQueue *queue);
/* Both keep the time: run->queue_wait_ns is valid after the second. */
void queue_add(RunQueue *queue, SprRun *run);
void queue_remove(RunQueue *queue, SprRun *run);
/* Each is borrowed, and NULL where there is none. */
SprRun *queue_first(const RunQueue *queue);
SprRun *queue_find(const RunQueue *queue, uint64_t id);
/* Any run in this environment, or with NULL in any. */
SprRun *queue_find_in(const RunQueue *queue, const Environment *environment);

/* How many runs may be at an agent that takes @offered; 0 = it has not said yet. */
uint32_t queue_capacity(const RunQueue *queue, uint32_t offered);
/* Whether one more may be submitted while @n_sent are at the agent: 0, or -EBUSY with the words. */
int queue_check_room(const RunQueue *queue, uint32_t offered, size_t n_sent, Failure *failure);

/* When the first run is overdue; UINT64_MAX = never. */
uint64_t queue_deadline_ns(const RunQueue *queue);
/* Says why a run that waited for so long is not run. */
void queue_explain_overdue(const RunQueue *queue, uint32_t offered, char *text, size_t size);

static inline size_t queue_length(const RunQueue *queue) {
        return queue->table.n_runs;
}
