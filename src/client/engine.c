/* SPDX-License-Identifier: MIT */
/*
 * Connecting does not wait: HELLO, ENV_OPEN and the first SUBMIT leave together, and the agent
 * holds runs back until their environment is warm. So a cold start is as short as the
 * interpreter's.
 *
 * An agent that died between two runs is noticed by the send that fails. If not one byte of the new
 * run was taken, no code can have started, and it is sent again over a new connection; once.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "client/atfork.h"
#include "client/error.h"
#include "client/exchange.h"
#include "client/keeper.h"
#include "client/leader.h"
#include "client/loop.h"
#include "client/options.h"
#include "client/request.h"
#include "engine/local.h"
#include "engine/piped.h"

#define EXIT_CODE_CANCELLED 130 /* as a shell says of an interrupted command */

static void engine_destroy(SprEngine *engine) {
        SprRun *run;

        atfork_remove(engine);
        while ((run = run_list_pop(&engine->done)))
                (void)run_unref(run);
        (void)pthread_mutex_destroy(&engine->lock);
        (void)connection_free(engine->connection);
        (void)transport_free(engine->transport);
        environments_deinit(&engine->environments);
        (void)audit_free(engine->audit);
        (void)fd_close(engine->wake_fd);
        (void)fd_close(engine->epoll_fd);
        (void)fd_close(engine->completion_fd);
        (void)fd_close(engine->timer_fd);
        free(engine);
}

int engine_new(SprEngine **enginep, Blob *environment, Transport *transport, Failure *failure) {
        _cleanup_(engine_unrefp) SprEngine *engine = calloc(1, sizeof(*engine));
        int r;

        if (!engine) {
                (void)transport_free(transport);
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        }
        atomic_init(&engine->n_refs, 1);
        (void)pthread_mutex_init(&engine->lock, NULL); /* cannot fail without attributes */
        engine->transport = transport;
        engine->next_id = 1;
        engine->epoll_fd = engine->completion_fd = engine->timer_fd = -1;
        engine->timer_ns = UINT64_MAX;
        engine->keeper = KEEPER_NULL;
        queue_init(&engine->queue);
        engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (environments_init(&engine->environments, environment))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        if (engine->wake_fd < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make an eventfd");
        r = atfork_add(engine);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot prepare for fork()");
        *enginep = take_ptr(&engine);
        return 0;
}

SprEngine *engine_ref(SprEngine *engine) {
        (void)atomic_fetch_add_explicit(&engine->n_refs, 1, memory_order_relaxed);
        return engine;
}

SprEngine *engine_unref(SprEngine *engine) {
        if (engine && atomic_fetch_sub_explicit(&engine->n_refs, 1, memory_order_acq_rel) == 1)
                engine_destroy(engine);
        return NULL;
}

int engine_new_run(const SprEngine *engine,
                   const SprRequest *request,
                   SprRun **runp,
                   Failure *failure) {
        int r = run_new(runp, request, failure);

        if (!r && engine->audit)
                r = request_digest(request, &(*runp)->digests, failure);
        return r;
}

void engine_lock(SprEngine *engine) {
        (void)pthread_mutex_lock(&engine->lock);
}

void engine_unlock(SprEngine *engine) {
        Connection *lost = take_ptr(&engine->lost);

        (void)pthread_mutex_unlock(&engine->lock);
        while (lost) {
                Connection *next = lost->next;

                (void)connection_free(lost);
                lost = next;
        }
}

static int engine_connect(SprEngine *engine, Failure *failure) {
        AgentProcess process = AGENT_PROCESS_NULL;
        int r;

        r = engine->transport->open(engine->transport, &process, failure);
        if (r)
                return r;
        r = connection_new(&engine->connection, &process);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        engine->first_id = engine->next_id;
        return engine->connection->process.bootstrap ? keeper_start(engine, failure) : 0;
}

static int engine_open_environment(SprEngine *engine, Environment *environment, Failure *failure) {
        _cleanup_(blob_unrefp) Blob *payload = NULL;
        int r;

        r = environment_payload(environment, engine->environments.base, &payload, failure);
        if (!r)
                r = connection_put(engine->connection, FRAME_ENV_OPEN, engine->next_id,
                                   payload->bytes, payload->size, failure);
        if (r)
                return r;
        environment->id = engine->next_id++;
        environment->state = ENVIRONMENT_OPENING;
        return 0;
}

int engine_close_environment(SprEngine *engine,
                             Environment *environment,
                             const Failure *why,
                             Failure *failure) {
        uint64_t id = environment->id;
        bool open = environment->state != ENVIRONMENT_NONE;

        environments_drop(&engine->environments, environment, why);
        if (!open)
                return 0;
        return connection_put(engine->connection, FRAME_ENV_CLOSE, id, NULL, 0, failure);
}

/* Makes room for another environment. */
static int engine_evict_environment(SprEngine *engine, Failure *failure) {
        Environment *idle = environments_find_idle(&engine->environments);
        const Failure why = FAILURE_NULL;

        if (!idle)
                return failure_set(failure, FAILURE_STAGE_REQUEST, EBUSY,
                                   "runs in flight have %d different values of network and "
                                   "read_only_paths: no room for one more",
                                   ENVIRONMENTS_MAX);
        return engine_close_environment(engine, idle, &why, failure);
}

static int engine_find_environment(SprEngine *engine,
                                   Blob *demands,
                                   Environment **environmentp,
                                   Failure *failure) {
        int r = 0;

        *environmentp = environments_find(&engine->environments, demands);
        if (*environmentp)
                return 0;
        if (environments_full(&engine->environments))
                r = engine_evict_environment(engine, failure);
        if (r)
                return r;
        if (environments_add(&engine->environments, demands, environmentp))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        return 0;
}

/* Makes sure that there is a connection with an environment that meets the demands, warm or about
 * to be. */
static int
engine_prepare(SprEngine *engine, Blob *demands, Environment **environmentp, Failure *failure) {
        int r = 0;

        if (!engine->connection)
                r = engine_connect(engine, failure);
        if (!r)
                r = engine_find_environment(engine, demands, environmentp, failure);
        if (!r && (*environmentp)->state == ENVIRONMENT_NONE)
                r = engine_open_environment(engine, *environmentp, failure);
        return r;
}

void engine_settle(SprEngine *engine) {
        bool pending;

        exchange_expire(engine);
        loop_watch(engine);
        pending = engine->connection && connection_is_pending(engine->connection);
        if ((pending && !engine->leader_writes) ||
            exchange_deadline_ns(engine) < engine->leader_until_ns)
                leader_poke(engine);
}

void engine_flush(SprEngine *engine) {
        Failure failure = FAILURE_NULL;
        int r = connection_flush(engine->connection, &failure);

        if (r)
                engine_lose(engine, &failure);
        else
                engine_settle(engine);
}

static bool agent_has_gone(const Failure *failure) {
        return failure->code == EPIPE || failure->code == ECONNRESET;
}

void engine_lose(SprEngine *engine, const Failure *failure) {
        const Environment *first = environments_first(&engine->environments);
        Failure last = *failure, cold, warm;

        /* What a dying agent had to say is worth more than that it died. */
        if (agent_has_gone(failure) && !exchange_drain(engine, &last))
                last = *failure;
        cold = warm = last;
        if (agent_has_gone(&last) && !engine->connection->process.bootstrap) {
                (void)failure_lit(&cold, FAILURE_STAGE_AGENT, EPIPE,
                                  "spr-agent ended before the interpreter was ready");
                (void)failure_lit(&warm, FAILURE_STAGE_AGENT, EPIPE,
                                  "spr-agent ended while the run was in progress");
        }
        exchange_fail_all(engine, NULL, &cold, &warm);
        loop_unwatch(engine);
        engine->connection->next = engine->lost;
        engine->lost = take_ptr(&engine->connection);
        environments_reset(&engine->environments,
                           first->state == ENVIRONMENT_READY ? &warm : &cold);
        leader_wake_environment(engine);
        leader_poke(engine); /* its descriptor is about to close */
}

/* How many runs the agent takes; 0 = it has not said yet. */
static uint32_t engine_offer(const SprEngine *engine) {
        const Connection *connection = engine->connection;

        return connection && connection->state == WIRE_OPEN ? connection->max_runs : 0;
}

/* Sends the run, or puts it behind others. */
static int engine_start_run(SprEngine *engine, SprRun *run, Failure *failure) {
        int r;

        queue_add(&engine->queue, run);
        r = exchange_feed(engine, failure);
        if (!r)
                r = connection_flush(engine->connection, failure);
        return r;
}

int engine_warm(SprEngine *engine, Failure *failure) {
        Environment *first;
        int r = engine_prepare(engine, NULL, &first, failure);

        if (!r)
                engine_flush(engine);
        return r;
}

int engine_submit(SprEngine *engine, SprRun *run, Failure *failure) {
        bool fresh = !engine->connection;
        Failure trouble = FAILURE_NULL;
        Environment *environment;
        uint64_t n_sent;
        int r;

        r = queue_check_room(&engine->queue, engine_offer(engine), engine->sent.n_runs, failure);
        if (!r && engine->audit)
                r = audit_check(engine->audit, failure);
        if (!r)
                r = engine_prepare(engine, run->demands, &environment, failure);
        if (r)
                return r;
        run->id = engine->next_id++;
        run->engine = engine;
        run->environment = environment_ref(environment);
        environment->last_run = run->id;
        n_sent = engine->connection->out.n_sent;
        (void)run_ref(run);
        r = engine_start_run(engine, run, &trouble);
        if (!r) {
                engine_settle(engine);
                return 0;
        }
        if (fresh || engine->connection->out.n_sent != n_sent) {
                engine_lose(engine, &trouble);
                return 0; /* the run has completed, with the trouble as its answer */
        }
        exchange_detach(engine, run);
        run->environment = environment_unref(run->environment);
        engine_lose(engine, &trouble);
        (void)run_unref(run);
        return engine_submit(engine, run, failure);
}

void engine_cancel(SprEngine *engine, SprRun *run) {
        Failure failure = FAILURE_NULL;

        if (run->state >= RUN_DONE || run->cancelled)
                return;
        run->cancelled = true;
        if (run->state == RUN_QUEUED) {
                exchange_detach(engine, run);
                run_finish_message(run, OUTCOME_CANCELLED, KILLED_BY_CANCEL, EXIT_CODE_CANCELLED,
                                   "cancelled before it started");
                exchange_deliver(engine, run);
                return;
        }
        if (connection_put(engine->connection, FRAME_CANCEL, run->id, NULL, 0, &failure))
                engine_lose(engine, &failure);
        else
                engine_flush(engine);
}

/* Any run in flight, out of it; NULL where there is none. */
static SprRun *engine_take_run(SprEngine *engine) {
        SprRun *run = run_table_pop(&engine->sent);

        if (run)
                return run;
        run = queue_first(&engine->queue);
        if (run)
                queue_remove(&engine->queue, run);
        return run;
}

void engine_after_fork(SprEngine *engine) {
        Failure failure = FAILURE_NULL;
        SprRun *run;

        engine->leader = NULL;
        engine->leader_sleeps = false;
        engine->followers = NULL;
        loop_after_fork(engine);
        keeper_forget(engine);
        engine->wake_fd = fd_close(engine->wake_fd);
        engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* the number just freed */
        engine->connection = connection_forget(engine->connection);
        engine->stats = (SprStats){.n_runs = 0};
        if (engine->audit)
                audit_after_fork(engine->audit);
        (void)failure_lit(&failure, FAILURE_STAGE_NONE, ECANCELED,
                          "the run belongs to the process that this one was forked from");
        environments_reset(&engine->environments, &failure);
        while ((run = engine_take_run(engine))) {
                run->waiter = NULL;
                run_finish_error(run, SPR_E_CLOSED, &failure);
                (void)run_unref(run);
        }
        while ((run = run_list_pop(&engine->done)))
                (void)run_unref(run);
}

static int transport_new(Transport **transportp, const SprEngineOptions *options) {
        LocalTarget local = {.agent = options->agent, .debug = options->debug};
        PipedTarget piped = {
                .argv = strings_array(&options->command),
                .agent = options->agent,
                .shell_hop = options->shell_hop,
        };

        return options->command.n_items > 0 ? piped_transport_new(transportp, &piped)
                                            : local_transport_new(transportp, &local);
}

_public_ int spr_engine_new(SprEngine **enginep, const SprEngineOptions *options, SprError *error) {
        _cleanup_(blob_unrefp) Blob *environment = NULL;
        _cleanup_(audit_freep) Audit *audit = NULL;
        Failure failure = FAILURE_NULL;
        Transport *transport;
        int r;

        r = options_to_environment(options, &environment, &failure);
        if (r)
                return error_from_failure(error, &failure);
        if (options->audit_path || options->audit_fd >= 0)
                r = audit_new(&audit, options->audit_path, options->audit_fd, &failure);
        if (r)
                return error_from_failure(error, &failure);
        r = transport_new(&transport, options);
        if (r)
                return error_from_errno(error, r);
        r = engine_new(enginep, environment, transport, &failure);
        if (r)
                return error_from_failure(error, &failure);
        (*enginep)->queue.limits = options->queue;
        if (options->exclusive_tmp)
                (*enginep)->queue.limits.max_concurrency = 1;
        (*enginep)->startup_timeout_ns = options->startup_timeout_ns;
        (*enginep)->audit = take_ptr(&audit);
        return 0;
}

_public_ SprEngine *spr_engine_free(SprEngine *engine) {
        if (!engine)
                return NULL;
        spr_engine_close(engine);
        return engine_unref(engine);
}

_public_ void spr_engine_close(SprEngine *engine) {
        Failure failure = FAILURE_NULL;
        SprRun *run;

        (void)failure_lit(&failure, FAILURE_STAGE_NONE, ECANCELED, "the engine was closed");
        engine_lock(engine);
        engine->closed = true;
        while ((run = engine_take_run(engine))) {
                run_finish_error(run, SPR_E_CLOSED, &failure);
                exchange_deliver(engine, run);
        }
        if (engine->connection)
                engine_lose(engine, &failure);
        engine_unlock(engine);
        keeper_stop(engine);
}

_public_ int spr_engine_start(SprEngine *engine, SprError *error) {
        const Environment *first = environments_first(&engine->environments);
        Failure failure = FAILURE_NULL;
        int r = SPR_E_INTERRUPTED;
        bool closed, ready;

        engine_lock(engine);
        closed = engine->closed;
        if (!closed && engine_warm(engine, &failure)) {
                engine_unlock(engine);
                return error_from_failure(error, &failure);
        }
        while (!closed && r == SPR_E_INTERRUPTED)
                r = leader_wait(engine, NULL, UINT64_MAX);
        closed = engine->closed;
        ready = first->state == ENVIRONMENT_READY;
        failure = first->failure;
        engine_unlock(engine);
        if (closed)
                return error_set(error, SPR_E_CLOSED, "the engine was closed");
        if (r < 0)
                return error_from_errno(error, r);
        if (!ready)
                return error_from_failure(error, &failure);
        return 0;
}
