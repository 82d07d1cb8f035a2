/* SPDX-License-Identifier: MIT */
/*
 * Frames of a run that is no longer in flight here are dropped: an environment that fails ends its
 * runs at once, and what the agent has already sent, or sends on behalf of each of them, comes
 * later. Frames of a stream that was never opened on this connection break the protocol.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "client/error.h"
#include "client/exchange.h"
#include "client/leader.h"
#include "client/loop.h"
#include "client/stats.h"

/* Enough for the largest result, all of it on its way, when the agent closed. */
#define DRAIN_READS_MAX 4096

void exchange_detach(SprEngine *engine, SprRun *run) {
        if (run->state == RUN_QUEUED) {
                queue_remove(&engine->queue, run);
                return;
        }
        run_table_remove(&engine->sent, run);
        if (engine->connection)
                outbox_drop(&engine->connection->out, &run->upload);
}

/* A run that has no result has a line all the same, as the outcome infra. */
static int exchange_log_error(SprEngine *engine, const SprRun *run, Failure *failure) {
        _cleanup_(spr_result_freep) SprResult *result = NULL;

        if (result_new_message(&result, OUTCOME_INFRA, KILLED_BY_NOBODY, RESULT_EXIT_INFRA,
                               run->failure.text))
                return failure_lit(failure, FAILURE_STAGE_AUDIT, ENOMEM, "out of memory");
        result->run_id = run->id;
        return audit_write(engine->audit, &run->digests, result, failure);
}

/* The line comes first: a run whose line cannot be written has no result. What the JSON is like
 * decides the outcome, so it is looked at here, though the lock is held. */
static void exchange_log(SprEngine *engine, SprRun *run) {
        Failure failure = FAILURE_NULL;
        int r;

        if (run->result) {
                result_judge(run->result);
                r = audit_write(engine->audit, &run->digests, run->result, &failure);
        } else
                r = exchange_log_error(engine, run, &failure);
        if (r)
                run_finish_error(run, SPR_E_AUDIT, &failure);
}

void exchange_deliver(SprEngine *engine, SprRun *run) {
        if (engine->audit)
                exchange_log(engine, run);
        stats_add(&engine->stats, run);
        if (run->posted) {
                run_list_append(&engine->done, run); /* with the reference */
                loop_signal(engine);
                return;
        }
        if (run->waiter)
                leader_wake(engine, run->waiter);
        (void)run_unref(run);
}

static SprRun *exchange_any_run(SprEngine *engine, const Environment *environment) {
        SprRun *run = run_table_find_in(&engine->sent, environment);

        return run ? run : queue_find_in(&engine->queue, environment);
}

static bool run_may_have_started(const SprRun *run) {
        return run->environment->state == ENVIRONMENT_READY;
}

void exchange_fail_all(SprEngine *engine,
                       const Environment *environment,
                       const Failure *cold,
                       const Failure *warm) {
        SprRun *run;

        while ((run = exchange_any_run(engine, environment))) {
                exchange_detach(engine, run);
                if (run_may_have_started(run))
                        run_finish_message(run, OUTCOME_INFRA, KILLED_BY_AGENT, RESULT_EXIT_INFRA,
                                           warm->text);
                else
                        run_finish_error(run, error_code(cold), cold);
                exchange_deliver(engine, run);
        }
}

static int exchange_send(SprEngine *engine, SprRun *run, Failure *failure) {
        Outbox *out = &engine->connection->out;
        int r;

        run->submit.environment = run->environment->id;
        r = connection_put(engine->connection, FRAME_SUBMIT, run->id, &run->submit,
                           sizeof(run->submit), failure);
        if (r)
                return r;
        queue_remove(&engine->queue, run);
        run->state = RUN_SENT;
        run->sent_ns = clock_now_ns();
        run_table_add(&engine->sent, run);
        run->upload.stream = run->id;
        outbox_start(out, &run->upload);
        return 0;
}

int exchange_feed(SprEngine *engine, Failure *failure) {
        uint32_t capacity = queue_capacity(&engine->queue, engine->connection->max_runs);
        SprRun *run;
        int r;

        while (engine->sent.n_runs < capacity && (run = queue_first(&engine->queue))) {
                r = exchange_send(engine, run, failure);
                if (r)
                        return r;
        }
        return 0;
}

/* An agent that has not greeted yet does so in a moment: until then nothing is overdue. */
uint64_t exchange_deadline_ns(const SprEngine *engine) {
        if (!engine->connection || engine->connection->state != WIRE_OPEN)
                return UINT64_MAX;
        return queue_deadline_ns(&engine->queue);
}

void exchange_expire(SprEngine *engine) {
        uint64_t deadline_ns;
        SprRun *run;
        char text[160];

        while ((deadline_ns = exchange_deadline_ns(engine)) != UINT64_MAX &&
               deadline_ns <= clock_now_ns()) {
                run = queue_first(&engine->queue);
                exchange_detach(engine, run);
                queue_explain_overdue(&engine->queue, engine->connection->max_runs, text,
                                      sizeof(text));
                run_finish_message(run, OUTCOME_INFRA, KILLED_BY_NOBODY, RESULT_EXIT_INFRA, text);
                exchange_deliver(engine, run);
        }
}

static int exchange_environment_failure(SprEngine *engine,
                                        Environment *environment,
                                        const Failure *told,
                                        Failure *failure) {
        int r;

        exchange_fail_all(engine, environment, told, told);
        r = engine_close_environment(engine, environment, told, failure);
        leader_wake_environment(engine);
        return r;
}

static void exchange_run_failure(SprEngine *engine, SprRun *run, const Failure *told) {
        bool unconfined = told->stage == FAILURE_STAGE_SANDBOX;

        exchange_detach(engine, run);
        if (run_may_have_started(run))
                run_finish_message(run, OUTCOME_INFRA, KILLED_BY_NOBODY,
                                   unconfined ? RESULT_EXIT_ISOLATION : RESULT_EXIT_INFRA,
                                   told->text);
        else
                run_finish_error(run, error_code(told), told);
        exchange_deliver(engine, run);
}

static int exchange_violation(const FrameHeader *header, Failure *failure, const char *what) {
        return failure_set(failure, FAILURE_STAGE_AGENT, EPROTO,
                           "protocol error: a %s frame for stream %llu, %s",
                           frame_name(header->type), (unsigned long long)header->stream, what);
}

static int exchange_on_environment(SprEngine *engine,
                                   Environment *environment,
                                   const FrameHeader *header,
                                   const uint8_t *payload,
                                   Failure *failure) {
        Failure told;

        if (environment->state == ENVIRONMENT_NONE)
                return 0; /* it has failed before */
        if (header->type == FRAME_FAILURE) {
                memcpy(&told, payload, sizeof(told));
                failure_sanitise(&told);
                return exchange_environment_failure(engine, environment, &told, failure);
        }
        if (header->type != FRAME_ENV_READY || environment->state == ENVIRONMENT_READY)
                return exchange_violation(header, failure, "which is an environment");
        environment->state = ENVIRONMENT_READY;
        leader_wake_environment(engine);
        return 0;
}

static void exchange_finish_if_complete(SprEngine *engine, SprRun *run) {
        if (!run_result_complete(run))
                return;
        exchange_detach(engine, run);
        run_finish(run);
        exchange_deliver(engine, run);
}

static int
exchange_on_result(SprEngine *engine, SprRun *run, const uint8_t *payload, Failure *failure) {
        ResultFrame frame;
        int r;

        memcpy(&frame, payload, sizeof(frame));
        r = run_result_begin(run, &frame, failure);
        if (r)
                return r;
        outbox_drop(&engine->connection->out, &run->upload); /* nobody reads the rest */
        exchange_finish_if_complete(engine, run);
        return 0;
}

static int exchange_on_data(SprEngine *engine,
                            SprRun *run,
                            const FrameHeader *header,
                            const uint8_t *payload,
                            Failure *failure) {
        CreditFrame credit = {.zero = 0};
        int r;

        r = run_result_data(run, header, payload, failure);
        if (r)
                return r;
        credit.bytes = run_result_credit(run);
        if (credit.bytes > 0)
                r = connection_put(engine->connection, FRAME_CREDIT, run->id, &credit,
                                   sizeof(credit), failure);
        if (!r)
                exchange_finish_if_complete(engine, run);
        return r;
}

static int exchange_on_run(SprEngine *engine,
                           SprRun *run,
                           const FrameHeader *header,
                           const uint8_t *payload,
                           Failure *failure) {
        CreditFrame credit;
        Failure told;

        switch (header->type) {
        case FRAME_RESULT:
                return exchange_on_result(engine, run, payload, failure);
        case FRAME_DATA:
                return exchange_on_data(engine, run, header, payload, failure);
        case FRAME_CREDIT:
                memcpy(&credit, payload, sizeof(credit));
                outbox_credit(&engine->connection->out, &run->upload, credit.bytes);
                return 0;
        case FRAME_FAILURE:
                memcpy(&told, payload, sizeof(told));
                failure_sanitise(&told);
                exchange_run_failure(engine, run, &told);
                return 0;
        default:
                return exchange_violation(header, failure, "which is a run");
        }
}

static int exchange_on_frame(void *userdata,
                             const FrameHeader *header,
                             const uint8_t *payload,
                             Failure *failure) {
        SprEngine *engine = userdata;
        Environment *environment;
        SprRun *run;

        if (header->stream < engine->first_id || header->stream >= engine->next_id)
                return exchange_violation(header, failure, "which was never opened");
        environment = environments_find_id(&engine->environments, header->stream);
        if (environment)
                return exchange_on_environment(engine, environment, header, payload, failure);
        run = run_table_find(&engine->sent, header->stream);
        return run ? exchange_on_run(engine, run, header, payload, failure) : 0;
}

static int exchange_receive(SprEngine *engine, Failure *failure) {
        ConnectionHandler handler = {.frame = exchange_on_frame, .userdata = engine};

        return connection_receive(engine->connection, &handler, failure);
}

int exchange_drain(SprEngine *engine, Failure *failure) {
        int r = 0;

        for (size_t i = 0; i < DRAIN_READS_MAX && r == 0; ++i)
                r = exchange_receive(engine, failure);
        return r;
}

void exchange_run(SprEngine *engine) {
        Failure failure = FAILURE_NULL;
        int r;

        if (!engine->connection)
                return;
        r = exchange_receive(engine, &failure);
        if (!r)
                r = exchange_feed(engine, &failure);
        if (r)
                engine_lose(engine, &failure);
        else
                engine_flush(engine);
}
