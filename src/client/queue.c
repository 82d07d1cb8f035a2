/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "client/queue.h"

/* What an agent is taken to offer before it has said so; only max_queue is counted from it. */
#define CAPACITY_UNKNOWN 16

void queue_init(RunQueue *queue) {
        *queue = (RunQueue){.limits = QUEUE_LIMITS_NULL};
        list_init(&queue->order);
}

void queue_add(RunQueue *queue, SprRun *run) {
        run->state = RUN_QUEUED;
        run->queued_ns = clock_now_ns();
        list_append(&queue->order, &run->in_queue);
        run_table_add(&queue->table, run);
}

void queue_remove(RunQueue *queue, SprRun *run) {
        run->queue_wait_ns = clock_now_ns() - run->queued_ns;
        list_remove(&run->in_queue);
        run_table_remove(&queue->table, run);
}

SprRun *queue_first(const RunQueue *queue) {
        if (list_is_empty(&queue->order))
                return NULL;
        return container_of(queue->order.next, SprRun, in_queue);
}

SprRun *queue_find(const RunQueue *queue, uint64_t id) {
        return run_table_find(&queue->table, id);
}

SprRun *queue_find_in(const RunQueue *queue, const Environment *environment) {
        return run_table_find_in(&queue->table, environment);
}

uint32_t queue_capacity(const RunQueue *queue, uint32_t offered) {
        uint32_t wanted = queue->limits.max_concurrency;

        if (wanted == 0)
                return offered > 0 ? offered : CAPACITY_UNKNOWN;
        return offered > 0 && offered < wanted ? offered : wanted;
}

/* Whose limit it is: ours, or the agent's where that is lower. */
static const char *queue_limit_name(const RunQueue *queue, uint32_t offered) {
        bool ours = queue->limits.max_concurrency > 0 &&
                    queue_capacity(queue, offered) == queue->limits.max_concurrency;

        return ours ? "max_concurrency" : "all that spr-agent takes";
}

int queue_check_room(const RunQueue *queue, uint32_t offered, size_t n_sent, Failure *failure) {
        uint64_t capacity = queue_capacity(queue, offered);

        if (n_sent + queue_length(queue) < capacity + queue->limits.max_queue)
                return 0;
        return failure_set(failure, FAILURE_STAGE_RESOURCES, EBUSY,
                           "cannot take another run: %zu are in progress (%s) and %zu wait "
                           "(max_queue %u)",
                           n_sent, queue_limit_name(queue, offered), queue_length(queue),
                           queue->limits.max_queue);
}

uint64_t queue_deadline_ns(const RunQueue *queue) {
        const SprRun *first = queue_first(queue);

        return first ? clock_after_ns(first->queued_ns, queue->limits.acquire_timeout_ns)
                     : UINT64_MAX;
}

/* "2s", "0.25s": by integers, since printf() of a double heeds the locale. */
static void seconds_print(uint64_t ns, char *text, size_t size) {
        unsigned long long ms = ns / NSEC_PER_MSEC;
        unsigned int fraction = (unsigned int)(ms % 1000);
        int digits = 3;

        while (digits > 0 && fraction % 10 == 0) {
                fraction /= 10;
                --digits;
        }
        if (digits == 0)
                (void)snprintf(text, size, "%llus", ms / 1000);
        else
                (void)snprintf(text, size, "%llu.%0*us", ms / 1000, digits, fraction);
}

void queue_explain_overdue(const RunQueue *queue, uint32_t offered, char *text, size_t size) {
        char seconds[32];

        seconds_print(queue->limits.acquire_timeout_ns, seconds, sizeof(seconds));
        (void)snprintf(text, size,
                       "no slot was free for %s (acquire_timeout): %u runs at a time (%s), %zu "
                       "waiting",
                       seconds, queue_capacity(queue, offered), queue_limit_name(queue, offered),
                       queue_length(queue));
}
