#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Bench host: a session of `spr bench` whose engine has a fake agent that answers every run at once
 */
#include "fake-agent.h"

#include "cli/bench-measure.h"

typedef struct BenchHost {
        FakeAgent fake;
        pthread_t thread;
        CliContext context;
        BenchOptions options;
        BenchSession session;
        BenchReport report;
        Fault fault;
} BenchHost;

/* The first run opens the stream; all later ones are the thread's. */
static inline void bench_host_connect(BenchHost *host) {
        SprEngine *engine = host->session.engine;
        SprResult *result;
        uint64_t run_id;

        assert_int_equal(spr_engine_post(engine, host->session.job, &run_id, NULL), 0);
        fake_greet(&host->fake, 8);
        assert_int_equal(fake_take_run(&host->fake), run_id);
        fake_send_result(&host->fake, run_id, "1", "");
        while (spr_engine_pop(engine, &result) == SPR_E_EMPTY)
                assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        (void)spr_result_free(result);
}

static inline int bench_host_setup(void **state) {
        BenchHost *host = calloc(1, sizeof(*host));

        assert_non_null(host);
        host->context = (CliContext){.search_path = "/usr/bin:/bin"};
        host->options = (BenchOptions){
                .python = "/usr/bin/python3", .n_runs = 5, .n_jobs = 4, .n_soak = 20};
        host->session = BENCH_SESSION_NULL;
        assert_int_equal(
                bench_session_init(&host->session, &host->context, &host->options, &host->fault),
                0);
        host->session.engine = fake_engine(&host->fake);
        host->session.gap_ns = 0;
        host->report.measurement = "test";
        bench_host_connect(host);
        assert_int_equal(pthread_create(&host->thread, NULL, fake_serve, &host->fake), 0);
        *state = host;
        return 0;
}

static inline int bench_host_teardown(void **state) {
        BenchHost *host = *state;

        spr_engine_close(host->session.engine);
        assert_int_equal(pthread_join(host->thread, NULL), 0);
        bench_session_deinit(&host->session);
        (void)fd_close(host->fake.fd);
        free(host);
        return 0;
}

/* The figures of a measurement, by name, ending with NULL. */
static inline void bench_host_expect(BenchHost *host, BenchMeasureFn measure, const char **names) {
        size_t n = 0;

        assert_int_equal(measure(&host->session, &host->report, &host->fault), 0);
        for (; names[n]; ++n) {
                assert_true(n < host->report.n_figures);
                assert_string_equal(host->report.figures[n].name, names[n]);
        }
        assert_int_equal(host->report.n_figures, n);
}
