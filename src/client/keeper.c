/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/exchange.h"
#include "client/keeper.h"
#include "engine/bootstrap.h"

#define LOOK_BUSY_NS (UINT64_C(200) * 1000000) /* between two looks while there are runs */
#define LOOK_IDLE_NS (UINT64_C(1) * 1000000000)

static void keeper_lose(SprEngine *engine, const char *what, uint64_t ns) {
        Failure failure;

        (void)failure_set(&failure, FAILURE_STAGE_AGENT, ETIMEDOUT, "%s for %.1f s", what,
                          (double)ns / NSEC_PER_SEC);
        engine->connection->violated = true; /* it is killed: nobody would see it end */
        engine_lose(engine, &failure);
}

static void keeper_ping(SprEngine *engine, uint64_t now_ns) {
        Connection *connection = engine->connection;
        Failure failure;

        connection->pinged_ns = now_ns;
        if (connection_put(connection, FRAME_PING, 0, NULL, 0, &failure))
                engine_lose(engine, &failure);
        else
                engine_flush(engine);
}

/* When the first of the runs in flight should have been answered; UINT64_MAX = never. */
static uint64_t keeper_overdue_ns(const SprEngine *engine) {
        uint64_t overdue_ns = UINT64_MAX;

        if (connection_is_pending(engine->connection))
                return UINT64_MAX; /* who has not got it all is not asked where the answer is */
        for (size_t i = 0; i < RUN_TABLE_BUCKETS; i++)
                for (const SprRun *run = engine->sent.buckets[i].first; run; run = run->next)
                        if (run->submit.timeout_ns < UINT64_MAX - run->sent_ns)
                                overdue_ns =
                                        min_u64(overdue_ns, run->sent_ns + run->submit.timeout_ns);
        return overdue_ns;
}

/* An agent that answers slowly is asked, and one that is asked answers at once. */
static void keeper_judge(SprEngine *engine, uint64_t now_ns) {
        const Connection *connection = engine->connection;
        bool awaited = connection->pinged_ns > connection->heard_ns;
        uint64_t overdue_ns = keeper_overdue_ns(engine);

        now_ns = max_u64(now_ns, connection->heard_ns); /* it may have spoken since */
        if (connection->state == WIRE_GREETING) {
                if (now_ns - connection->born_ns >= engine->startup_timeout_ns)
                        keeper_lose(engine, "no agent has answered", engine->startup_timeout_ns);
                return;
        }
        if (now_ns - connection->heard_ns >= KEEPER_LEASE_NS)
                keeper_lose(engine, "the agent has been silent", KEEPER_LEASE_NS);
        else if (!awaited && now_ns >= min_u64(overdue_ns, connection->pinged_ns + KEEPER_PING_NS))
                keeper_ping(engine, now_ns);
        else if (awaited && overdue_ns <= now_ns &&
                 now_ns >= max_u64(overdue_ns, connection->pinged_ns) + KEEPER_OVERDUE_NS)
                keeper_lose(engine, "a run is overdue, and the agent has been silent",
                            now_ns - connection->heard_ns);
}

uint64_t keeper_look(SprEngine *engine, uint64_t now_ns) {
        if (engine->connection && !engine->leader_sleeps) /* nobody else may read for long */
                exchange_run(engine);
        if (engine->connection && engine->connection->process.bootstrap)
                bootstrap_listen(engine->connection->process.bootstrap);
        if (engine->connection)
                keeper_judge(engine, now_ns);
        return engine->connection && engine->sent.n_runs > 0 ? LOOK_BUSY_NS : LOOK_IDLE_NS;
}

static void *keeper_main(void *userdata) {
        SprEngine *engine = userdata;
        struct pollfd stop = {.fd = engine->keeper.stop_fd, .events = POLLIN};
        uint64_t pause_ns = LOOK_BUSY_NS;

        while (poll(&stop, 1, (int)(pause_ns / NSEC_PER_MSEC)) <= 0) {
                engine_lock(engine);
                pause_ns = keeper_look(engine, clock_now_ns());
                engine_unlock(engine);
        }
        return NULL;
}

int keeper_start(SprEngine *engine, Failure *failure) {
        Keeper *keeper = &engine->keeper;
        sigset_t all, mask;
        int r;

        if (keeper->runs)
                return 0;
        keeper->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (keeper->stop_fd < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make an eventfd");
        (void)sigfillset(&all); /* signals are the host's affair */
        (void)pthread_sigmask(SIG_SETMASK, &all, &mask);
        r = pthread_create(&keeper->thread, NULL, keeper_main, engine);
        (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
        if (r) {
                keeper->stop_fd = fd_close(keeper->stop_fd);
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, r,
                                     "cannot start the thread that keeps a connection");
        }
        keeper->runs = true;
        return 0;
}

void keeper_stop(SprEngine *engine) {
        Keeper *keeper = &engine->keeper;
        uint64_t one = 1;
        bool runs;

        engine_lock(engine);
        runs = keeper->runs; /* of several that close, one waits */
        keeper->runs = false;
        engine_unlock(engine);
        if (!runs)
                return;
        (void)fd_write(keeper->stop_fd, &one, sizeof(one));
        (void)pthread_join(keeper->thread, NULL);
        keeper->stop_fd = fd_close(keeper->stop_fd);
}

void keeper_forget(SprEngine *engine) {
        if (engine->keeper.runs)
                (void)fd_close(engine->keeper.stop_fd);
        engine->keeper = KEEPER_NULL;
}
