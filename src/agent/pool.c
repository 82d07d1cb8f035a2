/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "agent/environment.h"
#include "agent/memory.h"
#include "agent/pool.h"
#include "agent/worker.h"
#include "base/clock.h"
#include "base/failure.h"
#include "wire/messages.h"

/* its standbys */

static void pool_list(Pool *pool, Worker *worker, Link *list, uint32_t *counter) {
        list_append(list, &worker->in_pool);
        worker->in_pool_counter = counter;
        ++*counter;
        ++pool->environment->agent->n_standbys;
}

void pool_unlist(Pool *pool, Worker *worker) {
        if (!worker->in_pool_counter)
                return;
        list_remove(&worker->in_pool);
        --*worker->in_pool_counter;
        worker->in_pool_counter = NULL;
        --pool->environment->agent->n_standbys;
}

void pool_add(Pool *pool, Worker *worker) {
        ++pool->n_workers;
        worker->pool = pool;
        worker->in_pool_counter = NULL;
        list_init(&worker->in_pool);
}

void pool_remove(Pool *pool, Worker *worker) {
        pool_unlist(pool, worker);
        --pool->n_workers;
}

void pool_worker_idle(Pool *pool, Worker *worker) {
        pool_unlist(pool, worker);
        pool_list(pool, worker, &pool->idle, &pool->n_idle);
        if (pool->worker_bytes == 0)
                pool->worker_bytes = memory_own_bytes(&worker->memory);
}

void pool_standby_lost(Pool *pool) {
        ++pool->n_lost;
}

/* All but @n_kept; those that are only on their way to a zygote stay. */
static void pool_end_standbys(Pool *pool, uint32_t n_kept) {
        Link *lists[] = {&pool->starting, &pool->idle};

        for (size_t i = 0; i < ARRAY_SIZE(lists); ++i)
                list_for_each(link, lists[i]) if (pool->n_idle + pool->n_starting > n_kept)
                        worker_end(container_of(link, Worker, in_pool));
}

/* birth and death */

Pool *pool_free(Pool *pool) {
        if (!pool)
                return NULL;
        list_remove(&pool->link);
        --pool->environment->n_pools;
        free(pool);
        return NULL;
}

/* Makes place for one more: those that were not used for the longest time have no standbys, and are
 * gone with the last of their workers. */
static void pools_evict(Environment *environment) {
        uint32_t n = 0;

        list_for_each(link, &environment->pools) {
                Pool *pool = container_of(link, Pool, link);

                if (++n < POOLS_MAX)
                        continue;
                pool->n_wanted = 0;
                pool_end_standbys(pool, 0);
                if (pool->n_workers == 0)
                        (void)pool_free(pool);
        }
}

static Pool *pool_find(Environment *environment, const Mold *mold) {
        list_for_each(link, &environment->pools) {
                Pool *pool = container_of(link, Pool, link);

                if (mold_equal(&pool->mold, mold))
                        return pool;
        }
        return NULL;
}

Pool *pool_get(Environment *environment, const Mold *mold) {
        Pool *pool = pool_find(environment, mold);

        if (pool) {
                list_remove(&pool->link);
                list_prepend(&environment->pools, &pool->link);
                return pool;
        }
        pools_evict(environment);
        pool = calloc(1, sizeof(*pool));
        if (!pool)
                return NULL;
        pool->environment = environment;
        pool->mold = *mold;
        list_init(&pool->starting);
        list_init(&pool->idle);
        list_prepend(&environment->pools, &pool->link);
        ++environment->n_pools;
        return pool;
}

/* how many */

static bool pool_is_adaptive(const Pool *pool) {
        return pool->environment->n_standbys == ENV_STANDBYS_ADAPTIVE;
}

/* The first mold of an environment is its default one; of others a run may be the only one. */
static uint32_t pool_least(const Pool *pool) {
        if (!pool_is_adaptive(pool))
                return pool->environment->n_standbys;
        return pool->n_runs > 1 || pool->environment->n_pools == 1 ? POOL_STANDBYS_MIN : 0;
}

static uint32_t pool_most(const Pool *pool) {
        return pool_is_adaptive(pool) ? POOL_STANDBYS_MAX : pool->environment->n_standbys;
}

Worker *pool_take(Pool *pool, uint64_t now_ns) {
        Link *list = list_is_empty(&pool->idle) ? &pool->starting : &pool->idle;
        Worker *worker;

        ++pool->n_runs;
        pool->used_ns = now_ns;
        pool->n_lost = 0;
        if (pool->n_wanted < pool_least(pool))
                pool->n_wanted = pool_least(pool);
        if (list == &pool->starting && pool->n_runs > POOL_STANDBYS_MIN) {
                pool->missed_ns = now_ns;
                pool->n_wanted = (uint32_t)min_u64(pool->n_wanted * 2, pool_most(pool));
        }
        if (list_is_empty(list))
                return NULL;
        worker = container_of(list->next, Worker, in_pool);
        pool_unlist(pool, worker);
        if (pool->n_idle < pool->n_spare)
                pool->n_spare = pool->n_idle;
        return worker;
}

void pools_spare_one(Environment *environment) {
        for (Link *link = environment->pools.previous; link != &environment->pools;
             link = link->previous) {
                Pool *pool = container_of(link, Pool, link);

                if (list_is_empty(&pool->idle))
                        continue;
                worker_end(container_of(pool->idle.next, Worker, in_pool));
                return;
        }
}

bool pool_has_time(const Pool *pool) {
        return pool->n_idle > 0 || clock_now_ns() - pool->missed_ns > POOL_BUSY_NS;
}

/* Standbys that nobody took in a whole window were not needed. */
static void pool_end_window(Pool *pool, uint64_t now_ns) {
        if (now_ns < pool->window_ns)
                return;
        if (pool->n_spare > 1 && pool->n_wanted > pool_least(pool))
                pool->n_wanted =
                        (uint32_t)max_u64(pool->n_wanted - pool->n_spare / 2, pool_least(pool));
        pool->n_spare = pool->n_idle;
        pool->window_ns = now_ns + POOL_WINDOW_NS;
}

/* How many stay when there are no runs. */
static uint32_t pool_kept(const Pool *pool) {
        bool last_used = pool->environment->pools.next == &pool->link;

        return last_used || !pool_is_adaptive(pool) ? pool_least(pool) : 0;
}

static bool pool_fits_budget(const Pool *pool) {
        Agent *agent = pool->environment->agent;

        if (agent->n_workers >= agent->max_runs)
                return false;
        return !pool_is_adaptive(pool) || pool->n_idle + pool->n_starting == 0 ||
               (agent->n_standbys + 1) * pool->worker_bytes <= POOL_BUDGET_BYTES;
}

/* Making one costs more than a short run does: who waits for a worker comes first, and so does the
 * answer of who has just got one. Returns when that is over; UINT64_MAX = when somebody says so. */
static uint64_t pool_growth_ns(const Pool *pool) {
        const Agent *agent = pool->environment->agent;
        uint64_t ns = 0;

        if (pool->n_starting >= POOL_STARTING_MAX || pool->n_lost >= POOL_LOST_MAX ||
            !environment_has_time(pool->environment) || !pool_fits_budget(pool))
                return UINT64_MAX;
        if (agent->n_running > 0)
                ns = agent->begun_ns + POOL_SHORT_RUN_NS;
        return pool->n_runs > 1 ? ns : max_u64(ns, pool->used_ns + POOL_FIRST_NS);
}

/* The oldest standby is of a zygote that has been replaced, and would hold it for as long as nobody
 * takes it. */
static bool pool_is_dated(const Pool *pool) {
        const Worker *oldest;

        if (list_is_empty(&pool->idle))
                return false;
        oldest = container_of(pool->idle.next, Worker, in_pool);
        return oldest->zygote && oldest->zygote->state == ZYGOTE_RETIRED;
}

/* How many there should be at the moment: a dated one goes when its successor is there. */
static uint32_t pool_goal(Pool *pool) {
        while (pool_is_dated(pool) && pool->n_idle > pool->n_wanted)
                worker_end(container_of(pool->idle.next, Worker, in_pool));
        return pool->n_wanted + (pool_is_dated(pool) ? 1 : 0);
}

uint64_t pool_tend(Pool *pool, uint64_t now_ns) {
        Environment *environment = pool->environment;
        Failure failure = FAILURE_NULL;
        uint64_t growth_ns;
        Worker *worker;

        pool_end_window(pool, now_ns);
        if (pool->n_wanted > pool_kept(pool) && now_ns >= pool->used_ns + POOL_UNUSED_NS) {
                pool->n_wanted = pool_kept(pool);
                pool_end_standbys(pool, pool->n_wanted);
        }
        if (pool->n_idle + pool->n_starting >= pool_goal(pool))
                return pool->n_wanted > pool_kept(pool) ? pool->used_ns + POOL_UNUSED_NS
                                                        : UINT64_MAX;
        growth_ns = pool_growth_ns(pool);
        if (now_ns < growth_ns)
                return pool->n_wanted > pool_kept(pool)
                               ? min_u64(growth_ns, pool->used_ns + POOL_UNUSED_NS)
                               : growth_ns;
        if (worker_new(&worker, environment, pool, &failure)) {
                ++pool->n_lost; /* whoever needs one will be told why */
                return UINT64_MAX;
        }
        pool_list(pool, worker, &pool->starting, &pool->n_starting);
        environment_pump(environment);
        return now_ns;
}
