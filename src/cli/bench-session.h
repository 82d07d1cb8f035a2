#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Session: what all measurements share: the job, the warm engine, one run timed
 *
 * Time is taken from before spr_engine_post() until the result was popped. A client that slept just
 * before would measure how fast it wakes up: bench_session_rest() ends with a busy wait.
 */
#include <spr/spr.h>

#include "cli/bench-options.h"
#include "cli/context.h"
#include "cli/fault.h"

typedef struct BenchSession BenchSession;

struct BenchSession {
        const CliContext *context;
        const BenchOptions *options;
        char *python;
        const char *code, *input;
        SprRequest *job;
        SprEngine *engine; /* NULL before bench_session_warm() */
        uint64_t gap_ns;   /* between runs that shall find a standby */
        char level[16];    /* of isolation, once a run was made */
};

#define BENCH_SESSION_NULL                                                                         \
        (BenchSession) {                                                                           \
                .context = NULL                                                                    \
        }

/* All return 0 or a status with the words in @fault. */

/* Finds the interpreter and makes the job's request. */
int bench_session_init(BenchSession *session,
                       const CliContext *context,
                       const BenchOptions *options,
                       Fault *fault);
void bench_session_deinit(BenchSession *session);
/* An engine that is not started; with @standbys it keeps as many as the runs need, else none. */
int bench_session_open(const BenchSession *session,
                       bool standbys,
                       SprEngine **enginep,
                       Fault *fault);
/* Starts the engine, if it is not there, and runs the job until there are standbys. */
int bench_session_warm(BenchSession *session, Fault *fault);

/* A request for @code, or for the job where it is NULL. */
int bench_session_request(const BenchSession *session,
                          const char *code,
                          SprRequest **requestp,
                          Fault *fault);
int bench_session_post(BenchSession *session, const SprRequest *request, Fault *fault);
/* Waits for a run that succeeded, at most until @until_ns (UINT64_MAX: for ever); *@poppedp says
 * whether one came, *@userdatap is its request's. Either may be NULL. */
int bench_session_pop(
        BenchSession *session, uint64_t until_ns, bool *poppedp, void **userdatap, Fault *fault);
/* Posts and pops. */
int bench_session_time(BenchSession *session,
                       const SprRequest *request,
                       uint64_t *nsp,
                       Fault *fault);
/* Time for standbys to be made; returns with this process awake. */
void bench_session_rest(const BenchSession *session);

static inline void bench_session_deinitp(BenchSession *session) {
        bench_session_deinit(session);
}
