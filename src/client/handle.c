/* SPDX-License-Identifier: MIT */
/*
 * Runs with a handle. The handle keeps the engine's memory, not the engine: after
 * spr_engine_free() it still answers, with SPR_E_CLOSED.
 */
#include "base/clock.h"
#include "client/engine.h"
#include "client/error.h"
#include "client/leader.h"

_public_ int
spr_engine_submit(SprEngine *engine, const SprRequest *request, SprRun **runp, SprError *error) {
        _cleanup_(run_unrefp) SprRun *run = NULL;
        Failure failure = FAILURE_NULL;
        bool closed;
        int r;

        r = engine_new_run(engine, request, &run, &failure);
        if (r)
                return error_from_failure(error, &failure);
        engine_lock(engine);
        closed = engine->closed;
        r = closed ? 0 : engine_submit(engine, run, &failure);
        engine_unlock(engine);
        if (closed)
                return error_set(error, SPR_E_CLOSED, "the engine was closed");
        if (r)
                return error_from_failure(error, &failure);
        (void)engine_ref(engine);
        *runp = take_ptr(&run);
        return 0;
}

static uint64_t deadline_after(uint64_t timeout_ns) {
        uint64_t now = clock_now_ns();

        return timeout_ns >= UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
}

static int run_wait_error(SprError *error, int r) {
        if (r == SPR_E_TIMEOUT)
                return error_set(error, r, "the run has not completed yet");
        if (r == SPR_E_INTERRUPTED)
                return error_set(error, r, "interrupted by a signal");
        return error_from_errno(error, r);
}

/* Gives out the result of a run that is done. */
static int run_take(SprRun *run, SprResult **resultp, SprError *error) {
        if (!run->result)
                return error_set(error, run->error, "%s", run->failure.text);
        *resultp = take_ptr(&run->result);
        run->state = RUN_TAKEN;
        return 0;
}

_public_ int spr_run_wait(SprRun *run, uint64_t timeout_ns, SprResult **resultp, SprError *error) {
        uint64_t deadline = deadline_after(timeout_ns);
        SprResult *result = NULL;
        int r;

        engine_lock(run->engine);
        if (run->state == RUN_TAKEN)
                r = error_set(error, SPR_E_INVALID, "the result was given out before");
        else if (run->waiter)
                r = error_set(error, SPR_E_INVALID, "another thread waits for this run");
        else {
                r = leader_wait(run->engine, run, deadline);
                r = r ? run_wait_error(error, r) : run_take(run, &result, error);
        }
        engine_unlock(run->engine);
        if (r)
                return r;
        result_finish(result);
        *resultp = result;
        return 0;
}

_public_ int
spr_engine_run(SprEngine *engine, const SprRequest *request, SprResult **resultp, SprError *error) {
        SprRun *run;
        int r;

        r = spr_engine_submit(engine, request, &run, error);
        if (r)
                return r;
        do
                r = spr_run_wait(run, UINT64_MAX, resultp, error);
        while (r == SPR_E_INTERRUPTED);
        (void)spr_run_free(run);
        return r;
}

_public_ void spr_run_cancel(SprRun *run) {
        engine_lock(run->engine);
        engine_cancel(run->engine, run);
        engine_unlock(run->engine);
}

_public_ SprRun *spr_run_free(SprRun *run) {
        SprEngine *engine;

        if (!run)
                return NULL;
        engine = run->engine;
        engine_lock(engine);
        engine_cancel(engine, run);
        (void)run_unref(run);
        engine_unlock(engine);
        (void)engine_unref(engine);
        return NULL;
}

_public_ uint64_t spr_run_get_id(const SprRun *run) {
        return run->id;
}
