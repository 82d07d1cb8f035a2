/* SPDX-License-Identifier: MIT */
/*
 * Invariants, whenever the lock is free:
 *
 * 1. If somebody waits, somebody leads, or a follower has been signalled that is going to. Who ends
 *    its wait, for whatever reason, and finds no leader, signals the next follower; a follower that
 *    was signalled and then leaves for another reason passes it on the same way.
 * 2. Whose condition has come true has been woken: a follower by its condition variable, the leader
 *    by itself, or, where another thread brought it about (by dispatching, closing, submitting onto
 *    a dead connection), by the eventfd. Without the latter it would sleep on: poll(2) does not
 *    return for bytes that another thread has taken.
 * 3. The leader polls for writing, or nothing waits to be written, or the eventfd is set.
 *
 * The stream is only ever read and written under the lock. So it does not matter that poll(2) runs
 * without it: a descriptor that was closed meanwhile is not touched again, and losing a connection
 * pokes the leader.
 */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/exchange.h"
#include "client/leader.h"

struct Waiter {
        SprRun *run; /* NULL: the environment */
        pthread_cond_t cond;
        Waiter *previous, *next; /* while it follows */
};

static bool waiter_done(const SprEngine *engine, const Waiter *waiter) {
        if (waiter->run)
                return waiter->run->state >= RUN_DONE;
        return environments_first(&engine->environments)->state != ENVIRONMENT_OPENING;
}

static struct timespec timespec_from_ns(uint64_t ns) {
        return (struct timespec){
                .tv_sec = (time_t)(ns / NSEC_PER_SEC),
                .tv_nsec = (long)(ns % NSEC_PER_SEC),
        };
}

static void waiter_link(SprEngine *engine, Waiter *waiter) {
        waiter->previous = NULL;
        waiter->next = engine->followers;
        if (waiter->next)
                waiter->next->previous = waiter;
        engine->followers = waiter;
}

static void waiter_unlink(SprEngine *engine, Waiter *waiter) {
        if (waiter->next)
                waiter->next->previous = waiter->previous;
        if (waiter->previous)
                waiter->previous->next = waiter->next;
        else
                engine->followers = waiter->next;
}

/* Sleeps until it is woken. */
static int waiter_follow(SprEngine *engine, Waiter *waiter, uint64_t deadline_ns) {
        struct timespec deadline = timespec_from_ns(deadline_ns);
        pthread_condattr_t attributes;
        int r = 0;

        (void)pthread_condattr_init(&attributes);
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&waiter->cond, &attributes);
        (void)pthread_condattr_destroy(&attributes);
        waiter_link(engine, waiter);
        if (deadline_ns == UINT64_MAX)
                (void)pthread_cond_wait(&waiter->cond, &engine->lock);
        else
                r = pthread_cond_timedwait(&waiter->cond, &engine->lock, &deadline);
        waiter_unlink(engine, waiter);
        (void)pthread_cond_destroy(&waiter->cond);
        return r == ETIMEDOUT ? SPR_E_TIMEOUT : 0;
}

/* The poll(2) of the leader, without the lock. Returns its result, or -errno. */
static int leader_sleep(SprEngine *engine, struct pollfd fds[static 2], uint64_t deadline_ns) {
        struct timespec left = {0};
        uint64_t now;
        int r;

        engine_unlock(engine);
        if (deadline_ns != UINT64_MAX) {
                now = clock_now_ns();
                left = timespec_from_ns(now < deadline_ns ? deadline_ns - now : 0);
        }
        r = ppoll(fds, 2, deadline_ns == UINT64_MAX ? NULL : &left, NULL);
        if (r < 0)
                r = -errno;
        engine_lock(engine);
        return r;
}

/* One poll and what follows from it. */
static int leader_step(SprEngine *engine, uint64_t deadline_ns) {
        Connection *connection = engine->connection;
        bool writes = connection && connection_is_pending(connection);
        struct pollfd fds[2] = {
                {
                        .fd = connection ? connection_fd(connection) : -1,
                        .events = (short)(writes ? POLLIN | POLLOUT : POLLIN),
                },
                {.fd = engine->wake_fd, .events = POLLIN},
        };
        uint64_t count;
        int r;

        engine->leader_writes = writes;
        engine->leader_until_ns = exchange_deadline_ns(engine);
        engine->leader_sleeps = true;
        r = leader_sleep(engine, fds, min_u64(deadline_ns, engine->leader_until_ns));
        engine->leader_sleeps = false;
        if (r == -EINTR)
                return SPR_E_INTERRUPTED;
        if (r < 0)
                return r;
        if (fds[1].revents)
                (void)fd_read(engine->wake_fd, &count, sizeof(count)); /* only to empty it */
        if (fds[0].revents)
                exchange_run(engine);
        else if (r == 0)
                exchange_expire(engine);
        return r == 0 && deadline_ns <= clock_now_ns() ? SPR_E_TIMEOUT : 0;
}

static int waiter_lead(SprEngine *engine, Waiter *waiter, uint64_t deadline_ns) {
        int r = 0;

        engine->leader = waiter;
        while (!r && !waiter_done(engine, waiter))
                r = leader_step(engine, deadline_ns);
        engine->leader = NULL;
        return r;
}

/* Signals a follower that has reason to lead. Those that are done see to it when they leave. */
static void leader_appoint(SprEngine *engine) {
        Waiter *waiter = engine->followers;

        while (waiter && waiter->next && waiter_done(engine, waiter))
                waiter = waiter->next;
        if (waiter)
                (void)pthread_cond_signal(&waiter->cond);
}

int leader_wait(SprEngine *engine, SprRun *run, uint64_t deadline_ns) {
        Waiter waiter = {.run = run};
        int r = 0;

        if (run)
                run->waiter = &waiter;
        while (!r && !waiter_done(engine, &waiter))
                r = engine->leader ? waiter_follow(engine, &waiter, deadline_ns)
                                   : waiter_lead(engine, &waiter, deadline_ns);
        if (run)
                run->waiter = NULL;
        if (!engine->leader)
                leader_appoint(engine);
        return waiter_done(engine, &waiter) ? 0 : r;
}

void leader_poke(SprEngine *engine) {
        uint64_t one = 1;

        if (engine->leader_sleeps)
                (void)fd_write(engine->wake_fd, &one, sizeof(one)); /* full = already set */
}

void leader_wake(SprEngine *engine, Waiter *waiter) {
        if (waiter == engine->leader)
                leader_poke(engine);
        else
                (void)pthread_cond_signal(&waiter->cond);
}

void leader_wake_environment(SprEngine *engine) {
        if (engine->leader && !engine->leader->run)
                leader_poke(engine);
        for (Waiter *waiter = engine->followers; waiter; waiter = waiter->next)
                if (!waiter->run)
                        (void)pthread_cond_signal(&waiter->cond);
}
