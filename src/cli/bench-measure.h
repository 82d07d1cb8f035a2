#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * The measurements of `spr bench`: each adds its figures to the report
 *
 * They share one warm engine and leave no run in flight. Each returns 0 or a status with the words
 * in @fault.
 */
#include "cli/bench-report.h"
#include "cli/bench-session.h"

#define BENCH_OPEN_LOOP_RATE 300 /* requests per second */
#define BENCH_SLEEPS         1000

typedef int (*BenchMeasureFn)(BenchSession *session, BenchReport *report, Fault *fault);

/* one run at a time */
int bench_measure_cold(BenchSession *session, BenchReport *report, Fault *fault);
int bench_measure_hit(BenchSession *session, BenchReport *report, Fault *fault);
int bench_measure_miss(BenchSession *session, BenchReport *report, Fault *fault);

/* many */
int bench_measure_open_loop(BenchSession *session, BenchReport *report, Fault *fault);
int bench_measure_throughput(BenchSession *session, BenchReport *report, Fault *fault);
int bench_measure_sleeps(BenchSession *session, BenchReport *report, Fault *fault);

/* what stays */
int bench_measure_memory(BenchSession *session, BenchReport *report, Fault *fault);
int bench_measure_soak(BenchSession *session, BenchReport *report, Fault *fault);
