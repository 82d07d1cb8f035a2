/* SPDX-License-Identifier: MIT */
/*
 * Many runs: requests that come when they come, as many as the machine does, and a thousand that
 * only sleep.
 *
 * In the open loop a run's time begins when its request was due, not when this process came to send
 * it: what waits behind a slow run has waited.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/bench-arrivals.h"
#include "cli/bench-measure.h"
#include "cli/bench-processes.h"
#include "cli/handles.h"

#define OPEN_LOOP_FACTOR  3 /* times as many requests as --runs */
#define THROUGHPUT_FACTOR 4
#define THROUGHPUT_NS     (4 * NSEC_PER_SEC) /* at most, per row */
#define CPU_RUNS_MIN      200                /* processor time is counted in ticks of 10 ms */
#define SLEEP_CODE        "import time\ntime.sleep(1)\n"

typedef struct OpenLoop {
        BenchSession *session;
        SprRequest *request;
        Samples samples;
        uint64_t *due_ns; /* of each request */
        size_t n, n_done;
} OpenLoop;

static void open_loop_deinitp(OpenLoop *loop) {
        (void)spr_request_free(loop->request);
        samples_deinit(&loop->samples);
        free(loop->due_ns);
}

static int open_loop_pop(OpenLoop *loop, uint64_t until_ns, Fault *fault) {
        bool popped = true;
        void *due = NULL;
        int r = 0;

        while (r == 0 && popped && loop->n_done < loop->n) {
                r = bench_session_pop(loop->session, until_ns, &popped, &due, fault);
                if (r || !popped)
                        break;
                samples_add(&loop->samples, clock_now_ns() - *(const uint64_t *)due);
                ++loop->n_done;
        }
        return r;
}

static int open_loop_run(OpenLoop *loop, Fault *fault) {
        Arrivals arrivals = ARRIVALS_INIT(BENCH_OPEN_LOOP_RATE);
        uint64_t due_ns = clock_now_ns();
        int r = 0;

        for (size_t i = 0; i < loop->n && r == 0; i++) {
                due_ns += arrivals_next_ns(&arrivals);
                loop->due_ns[i] = due_ns;
                r = open_loop_pop(loop, due_ns, fault);
                spr_request_set_userdata(loop->request, &loop->due_ns[i]);
                if (r == 0)
                        r = bench_session_post(loop->session, loop->request, fault);
        }
        return r ? r : open_loop_pop(loop, UINT64_MAX, fault);
}

int bench_measure_open_loop(BenchSession *session, BenchReport *report, Fault *fault) {
        _cleanup_(open_loop_deinitp) OpenLoop loop = {.session = session};
        int r;

        loop.n = session->options->n_runs * OPEN_LOOP_FACTOR;
        loop.due_ns = calloc(loop.n, sizeof(*loop.due_ns));
        if (!loop.due_ns || samples_init(&loop.samples, loop.n))
                return fault_set_oom(fault);
        r = bench_session_warm(session, fault);
        if (r == 0)
                r = bench_session_request(session, NULL, &loop.request, fault);
        if (r == 0)
                r = open_loop_run(&loop, fault);
        if (r == 0)
                bench_report_times(report, &loop.samples, "us");
        return r;
}

/* Keeps @n_jobs runs in flight until @n are done or the time is up. */
static int
closed_loop(BenchSession *session, size_t n_jobs, size_t n, size_t *n_donep, Fault *fault) {
        uint64_t until_ns = clock_now_ns() + THROUGHPUT_NS;
        size_t n_posted = 0, n_done = 0;
        int r = 0;

        while (r == 0) {
                while (r == 0 && n_posted < n && n_posted - n_done < n_jobs) {
                        r = bench_session_post(session, session->job, fault);
                        ++n_posted;
                }
                if (r || n_done == n_posted)
                        break;
                r = bench_session_pop(session, UINT64_MAX, NULL, NULL, fault);
                ++n_done;
                if (clock_now_ns() >= until_ns)
                        n = n_posted;
        }
        *n_donep = n_done;
        return r;
}

static uint64_t cpu_now_ns(void) {
        BenchProcesses processes = {0};

        (void)bench_processes_scan(&processes, getpid());
        return processes.cpu_ns;
}

static int throughput_at(BenchSession *session, size_t n_jobs, BenchReport *report, Fault *fault) {
        size_t n = session->options->n_runs * THROUGHPUT_FACTOR, n_done = 0;
        uint64_t cpu_ns = cpu_now_ns(), begin_ns = clock_now_ns(), ns;
        char name[32];
        int r;

        r = closed_loop(session, n_jobs, n, &n_done, fault);
        ns = max_u64(clock_now_ns() - begin_ns, 1);
        cpu_ns = cpu_now_ns() - cpu_ns;
        if (r)
                return r;
        (void)snprintf(name, sizeof(name), "%zu in flight", n_jobs);
        bench_report_add(report, name, (double)n_done * (double)NSEC_PER_SEC / (double)ns, "1/s",
                         n_done);
        (void)snprintf(name, sizeof(name), "%zu: processor", n_jobs);
        if (n_done >= CPU_RUNS_MIN)
                bench_report_add(report, name, (double)cpu_ns / (double)n_done / NSEC_PER_USEC,
                                 "us", n_done);
        else
                bench_report_lack(report, name, "us", "fewer than 200 runs");
        return 0;
}

int bench_measure_throughput(BenchSession *session, BenchReport *report, Fault *fault) {
        const size_t n_jobs[] = {1, 2, session->options->n_jobs};
        int r;

        r = bench_session_warm(session, fault);
        for (size_t i = 0; i < ARRAY_SIZE(n_jobs) && r == 0; i++)
                if (i == 0 || n_jobs[i] > n_jobs[i - 1])
                        r = throughput_at(session, n_jobs[i], report, fault);
        return r;
}

int bench_measure_sleeps(BenchSession *session, BenchReport *report, Fault *fault) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        size_t n = min_u64(2 * session->options->n_runs, BENCH_SLEEPS);
        uint64_t begin_ns;
        int r;

        r = bench_session_warm(session, fault);
        if (r == 0)
                r = bench_session_request(session, SLEEP_CODE, &request, fault);
        begin_ns = clock_now_ns();
        for (size_t i = 0; i < n && r == 0; i++)
                r = bench_session_post(session, request, fault);
        for (size_t i = 0; i < n && r == 0; i++)
                r = bench_session_pop(session, UINT64_MAX, NULL, NULL, fault);
        if (r == 0)
                bench_report_add(report, "all done",
                                 (double)(clock_now_ns() - begin_ns) / NSEC_PER_MSEC, "ms", n);
        return r;
}
