/* SPDX-License-Identifier: MIT */
/*
 * What stays: the memory of what stands ready, and what many runs in a row leave behind.
 */
#include <unistd.h>

#include "base/clock.h"
#include "cli/bench-measure.h"
#include "cli/bench-processes.h"

#define SETTLE_RUNS   10
#define SETTLE_NS     (3 * NSEC_PER_SEC)
#define SETTLE_LOOKS  5 /* of one count: no more are on their way */
#define SOAK_PARTS    10
#define SOAK_RUNS_MIN SOAK_PARTS

#define NOT_READABLE "not readable: only root sees into processes that are not dumpable"

/* Waits until the number of standbys does not change. */
static int standbys_settle(BenchSession *session, BenchProcesses *processes, Fault *fault) {
        uint64_t until_ns = clock_now_ns() + SETTLE_NS, ns;
        size_t n_last = SIZE_MAX;
        int r = 0;

        for (size_t i = 0; i < SETTLE_RUNS && r == 0; i++) {
                r = bench_session_time(session, session->job, &ns, fault);
                bench_session_rest(session);
        }
        for (size_t n_same = 0; r == 0 && n_same < SETTLE_LOOKS && clock_now_ns() < until_ns;) {
                for (size_t i = 0; i < 5; i++)
                        bench_session_rest(session);
                r = bench_processes_scan(processes, getpid());
                n_same = processes->n_workers == n_last ? n_same + 1 : 0;
                n_last = processes->n_workers;
        }
        return r < 0 ? fault_set_error(fault, r, &(SprError){0}) : r;
}

int bench_measure_memory(BenchSession *session, BenchReport *report, Fault *fault) {
        BenchProcesses processes = {0};
        size_t n;
        int r;

        r = bench_session_warm(session, fault);
        if (r == 0)
                r = standbys_settle(session, &processes, fault);
        if (r)
                return r;
        n = processes.n_workers;
        bench_report_add(report, "standbys", (double)n, "", n);
        if (n == 0)
                bench_report_lack(report, "private, each", "KiB", "there is no standby");
        else if (processes.unreadable)
                bench_report_lack(report, "private, each", "KiB", NOT_READABLE);
        else
                bench_report_add(report, "private, each", (double)processes.worker_kib / (double)n,
                                 "KiB", n);
        return 0;
}

static void growth_report(BenchReport *report,
                          const char *name,
                          const char *unit,
                          bool unreadable,
                          double growth,
                          size_t n) {
        if (unreadable)
                bench_report_lack(report, name, unit, NOT_READABLE);
        else
                bench_report_add(report, name, growth, unit, n);
}

static void soak_report(BenchReport *report,
                        Samples *samples,
                        const BenchProcesses *before,
                        const BenchProcesses *after,
                        double own_kib) {
        size_t n = samples->n, part = n / SOAK_PARTS;
        bool unreadable = before->unreadable || after->unreadable;

        bench_report_add(report, "p50, first tenth",
                         (double)samples_percentile(samples, 0, part, 50) / NSEC_PER_USEC, "us",
                         part);
        bench_report_add(report, "p50, last tenth",
                         (double)samples_percentile(samples, n - part, part, 50) / NSEC_PER_USEC,
                         "us", part);
        growth_report(report, "agent grew by", "KiB", unreadable,
                      (double)after->agent_kib - (double)before->agent_kib, n);
        growth_report(report, "agent's descriptors", "", unreadable,
                      (double)after->n_agent_fds - (double)before->n_agent_fds, n);
        bench_report_add(report, "host grew by", own_kib, "KiB", n);
}

static int runs_in_a_row(BenchSession *session, size_t n, Samples *samples, Fault *fault) {
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                uint64_t ns = 0;

                r = bench_session_time(session, session->job, &ns, fault);
                if (samples)
                        samples_add(samples, ns);
        }
        return r;
}

int bench_measure_soak(BenchSession *session, BenchReport *report, Fault *fault) {
        _cleanup_(samples_deinitp) Samples samples = {0};
        BenchProcesses before = {0}, after = {0};
        size_t n = max_u64(session->options->n_soak, SOAK_RUNS_MIN);
        uint64_t own_before = 0, own_after = 0;
        int r;

        if (samples_init(&samples, n))
                return fault_set_oom(fault);
        r = bench_session_warm(session, fault);
        if (r == 0) /* as many standbys as such runs need */
                r = runs_in_a_row(session, n / SOAK_PARTS, NULL, fault);
        if (r == 0)
                r = standbys_settle(session, &before, fault);
        /* the samples' own pages are there before the first look */
        for (size_t i = 0; i < n; i++)
                samples.values[i] = 1;
        (void)bench_process_private_kib(getpid(), &own_before);
        if (r == 0)
                r = runs_in_a_row(session, n, &samples, fault);
        (void)bench_process_private_kib(getpid(), &own_after);
        if (r == 0)
                r = standbys_settle(session, &after, fault);
        if (r == 0)
                soak_report(report, &samples, &before, &after,
                            (double)own_after - (double)own_before);
        return r;
}
