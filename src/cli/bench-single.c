/* SPDX-License-Identifier: MIT */
/*
 * One run at a time: what a caller waits for when nothing is there yet, when a standby is, and when
 * there is an interpreter but no standby of the kind that is asked for.
 */
#include "base/clock.h"
#include "cli/bench-measure.h"
#include "cli/handles.h"

#define COLD_RUNS_MAX  10
#define MISS_RUNS_MAX  200
#define MISS_WARM_RUNS 5
#define TIME_MAX_NS    (30 * NSEC_PER_SEC) /* of one measurement; slow jobs get fewer samples */

static int cold_time(BenchSession *session, uint64_t *nsp, Fault *fault) {
        _cleanup_(spr_engine_freep) SprEngine *engine = NULL;
        _cleanup_(spr_result_freep) SprResult *result = NULL;
        uint64_t begin_ns = clock_now_ns();
        SprError error = {0};
        int r;

        r = bench_session_open(session, true, &engine, fault);
        if (r)
                return r;
        r = spr_engine_run(engine, session->job, &result, &error);
        if (r)
                return fault_set_error(fault, r, &error);
        *nsp = clock_now_ns() - begin_ns;
        return 0;
}

int bench_measure_cold(BenchSession *session, BenchReport *report, Fault *fault) {
        _cleanup_(samples_deinitp) Samples samples = {0};
        size_t n = min_u64(session->options->n_runs, COLD_RUNS_MAX);
        int r = 0;

        if (samples_init(&samples, n))
                return fault_set_oom(fault);
        for (size_t i = 0; i < n && r == 0; i++) {
                uint64_t ns = 0;

                r = cold_time(session, &ns, fault);
                samples_add(&samples, ns);
        }
        if (r == 0)
                bench_report_times(report, &samples, "ms");
        return r;
}

/* Up to @n runs with pauses between them. */
static int pauses_measure(BenchSession *session, size_t n, BenchReport *report, Fault *fault) {
        _cleanup_(samples_deinitp) Samples samples = {0};
        uint64_t until_ns = clock_now_ns() + TIME_MAX_NS;
        int r = 0;

        if (samples_init(&samples, n))
                return fault_set_oom(fault);
        for (size_t i = 0; i < n && r == 0 && clock_now_ns() < until_ns; i++) {
                uint64_t ns = 0;

                bench_session_rest(session);
                r = bench_session_time(session, session->job, &ns, fault);
                samples_add(&samples, ns);
        }
        if (r == 0)
                bench_report_times(report, &samples, "us");
        return r;
}

int bench_measure_hit(BenchSession *session, BenchReport *report, Fault *fault) {
        int r;

        r = bench_session_warm(session, fault);
        return r ? r : pauses_measure(session, session->options->n_runs, report, fault);
}

/* An engine of its own, which keeps no standbys. */
int bench_measure_miss(BenchSession *session, BenchReport *report, Fault *fault) {
        SprEngine *warm = take_ptr(&session->engine);
        int r;

        r = bench_session_open(session, false, &session->engine, fault);
        for (size_t i = 0; i < MISS_WARM_RUNS && r == 0; i++) {
                uint64_t ns;

                r = bench_session_time(session, session->job, &ns, fault);
        }
        if (r == 0)
                r = pauses_measure(session, min_u64(session->options->n_runs, MISS_RUNS_MAX),
                                   report, fault);
        (void)spr_engine_free(session->engine);
        session->engine = warm;
        return r;
}
