#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Report: the figures of a bench, as lines or as one JSON object
 *
 * A figure is a value with the number of samples behind it, or the words that say why there is
 * none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/bench-samples.h"

typedef struct BenchFigure BenchFigure;
typedef struct BenchReport BenchReport;

#define BENCH_FIGURES_MAX 48

struct BenchFigure {
        const char *measurement; /* "hit" */
        char name[32];           /* "p50" */
        const char *unit;
        double value;
        size_t n;
        const char *lack; /* why there is no value; NULL where there is one */
};

struct BenchReport {
        const char *measurement; /* that the next figures are of */
        BenchFigure figures[BENCH_FIGURES_MAX];
        size_t n_figures;
        size_t n_shown;
};

/* What stands around the figures. */
typedef struct BenchSetting {
        const char *python;
        const char *level; /* of isolation that the runs had */
        const char *job;
        const char *const *preload; /* may be NULL where there is none */
        size_t n_preload;
        double load; /* of the machine, when it began */
        long n_cores;
} BenchSetting;

void bench_report_add(
        BenchReport *report, const char *name, double value, const char *unit, size_t n);
void bench_report_lack(BenchReport *report, const char *name, const char *unit, const char *why);
/* Median, 99th percentile where there are enough for one, and the fastest; @unit is "us" or "ms".
 */
void bench_report_times(BenchReport *report, Samples *samples, const char *unit);

/* Prints the lines of what was added since it last did. */
void bench_report_show(BenchReport *report);
/* The whole as JSON on one line; 0 or -ENOMEM. Free with free(). */
int bench_report_to_json(const BenchReport *report, const BenchSetting *setting, char **jsonp);
