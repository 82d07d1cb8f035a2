/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json-write.h"
#include "cli/bench-report.h"

#define JSON_MAX (64 * 1024)

static BenchFigure *figure_new(BenchReport *report, const char *name, const char *unit) {
        BenchFigure *figure;

        if (report->n_figures == BENCH_FIGURES_MAX)
                return NULL;
        figure = &report->figures[report->n_figures++];
        *figure = (BenchFigure){.measurement = report->measurement, .unit = unit};
        (void)snprintf(figure->name, sizeof(figure->name), "%s", name);
        return figure;
}

void bench_report_add(
        BenchReport *report, const char *name, double value, const char *unit, size_t n) {
        BenchFigure *figure = figure_new(report, name, unit);

        if (figure) {
                figure->value = value;
                figure->n = n;
        }
}

void bench_report_lack(BenchReport *report, const char *name, const char *unit, const char *why) {
        BenchFigure *figure = figure_new(report, name, unit);

        if (figure)
                figure->lack = why;
}

void bench_report_times(BenchReport *report, Samples *samples, const char *unit) {
        double scale = (double)(strcmp(unit, "ms") == 0 ? NSEC_PER_MSEC : NSEC_PER_USEC);
        size_t n = samples->n;

        bench_report_add(report, "p50", (double)samples_percentile(samples, 0, n, 50) / scale, unit,
                         n);
        if (n >= SAMPLES_P99_MIN)
                bench_report_add(report, "p99",
                                 (double)samples_percentile(samples, 0, n, 99) / scale, unit, n);
        else
                bench_report_lack(report, "p99", unit, "fewer than 100 runs");
        bench_report_add(report, "min", (double)samples_percentile(samples, 0, n, 0) / scale, unit,
                         n);
}

void bench_report_show(BenchReport *report) {
        for (; report->n_shown < report->n_figures; ++report->n_shown) {
                const BenchFigure *figure = &report->figures[report->n_shown];
                bool first = report->n_shown == 0 ||
                             strcmp(figure->measurement, figure[-1].measurement) != 0;

                (void)printf("%-12s%-22s", first ? figure->measurement : "", figure->name);
                if (figure->lack)
                        (void)printf("%12s %s\n", "-", figure->lack);
                else
                        (void)printf("%12.1f %-4s  n %zu\n", figure->value, figure->unit,
                                     figure->n);
        }
        (void)fflush(stdout);
}

static int text_append(Buffer *buffer, const char *text) {
        return buffer_append(buffer, text, strlen(text));
}

static int string_append(Buffer *buffer, const char *key, const char *text) {
        int r;

        r = text_append(buffer, key);
        if (r)
                return r;
        return text ? json_write_string(buffer, text, strlen(text)) : text_append(buffer, "null");
}

static int number_append(Buffer *buffer, const char *key, double number) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%s%.3f", key, isfinite(number) ? number : 0.0);
        return text_append(buffer, text);
}

static int count_append(Buffer *buffer, const char *key, size_t n) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%s%zu", key, n);
        return text_append(buffer, text);
}

static int setting_append(Buffer *buffer, const BenchSetting *setting) {
        int r;

        r = string_append(buffer, "{\"python\":", setting->python);
        if (r == 0)
                r = string_append(buffer, ",\"level\":", setting->level);
        if (r == 0)
                r = string_append(buffer, ",\"job\":", setting->job);
        if (r == 0)
                r = number_append(buffer, ",\"load\":", setting->load);
        if (r == 0)
                r = count_append(buffer, ",\"cores\":", (size_t)setting->n_cores);
        if (r == 0)
                r = text_append(buffer, ",\"preload\":[");
        for (size_t i = 0; i < setting->n_preload && r == 0; i++)
                r = string_append(buffer, i ? "," : "", setting->preload[i]);
        return r ? r : text_append(buffer, "],\"figures\":[");
}

static int figure_append(Buffer *buffer, const BenchFigure *figure) {
        int r;

        r = string_append(buffer, "{\"measurement\":", figure->measurement);
        if (r == 0)
                r = string_append(buffer, ",\"name\":", figure->name);
        if (r == 0)
                r = string_append(buffer, ",\"unit\":", figure->unit);
        if (r == 0)
                r = figure->lack ? text_append(buffer, ",\"value\":null")
                                 : number_append(buffer, ",\"value\":", figure->value);
        if (r == 0)
                r = count_append(buffer, ",\"n\":", figure->n);
        if (r == 0)
                r = string_append(buffer, ",\"lack\":", figure->lack);
        return r ? r : text_append(buffer, "}");
}

int bench_report_to_json(const BenchReport *report, const BenchSetting *setting, char **jsonp) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        size_t length;
        char *json;
        int r;

        buffer_init(&buffer, JSON_MAX);
        r = setting_append(&buffer, setting);
        for (size_t i = 0; i < report->n_figures && r == 0; i++) {
                if (i > 0)
                        r = text_append(&buffer, ",");
                if (r == 0)
                        r = figure_append(&buffer, &report->figures[i]);
        }
        if (r == 0)
                r = text_append(&buffer, "]}");
        if (r)
                return -ENOMEM;
        json = buffer_steal(&buffer, &length);
        if (!json)
                return -ENOMEM;
        *jsonp = json;
        return 0;
}
