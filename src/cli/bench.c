/* SPDX-License-Identifier: MIT */
/*
 * A row per measurement. Figures are medians and percentiles with the number of runs behind them;
 * which of them hold for another machine, or for this one tomorrow, the load beside them tells.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench-measure.h"
#include "cli/bench.h"
#include "cli/help.h"
#include "cli/plain-verb.h"
#include "cli/run-input.h"
#include "cli/status.h"
#include "cli/suggest.h"

#define RUNS_DEFAULT 500
#define JOBS_DEFAULT 16
#define RUNS_MAX     100000000
#define STANDBYS_MAX 4096 /* of an engine */

typedef struct Measurement {
        const char *name;
        BenchMeasureFn measure;
        bool on_demand; /* only by name or by an option of its own */
} Measurement;

const OptionSpec bench_options[] = {
        {"only", 0, OPTION_LIST, offsetof(BenchOptions, only), "NAME",
         "only this: cold, hit, miss, open-loop,\nthroughput, memory, sleeps or soak;\n"
         "may be repeated"},
        {"runs", 'n', OPTION_NUMBER, offsetof(BenchOptions, n_runs), "N",
         "runs behind a figure (default 500)"},
        {"jobs", 0, OPTION_NUMBER, offsetof(BenchOptions, n_jobs), "N",
         "most runs in flight at a time (default 16)"},
        {"soak", 0, OPTION_NUMBER, offsetof(BenchOptions, n_soak), "N",
         "so many runs in a row, and what has grown"},
        {"standbys", 0, OPTION_NUMBER, offsetof(BenchOptions, n_standbys), "N",
         "workers kept ready, always so many\n(default: as many as the runs of late needed)"},
        {"code", 'c', OPTION_TEXT, offsetof(BenchOptions, code), "CODE",
         "the job (default: a square root)"},
        {"input", 'i', OPTION_TEXT, offsetof(BenchOptions, input), "JSON", "data for it"},
        {"preload", 0, OPTION_LIST, offsetof(BenchOptions, preload), "MODULE",
         "import this ahead; may be repeated"},
        {"policy", 0, OPTION_TEXT, offsetof(BenchOptions, policy), "FILE",
         "what the code may do, see spr-policy(5)"},
        {"python", 0, OPTION_TEXT, offsetof(BenchOptions, python), "PATH",
         "interpreter: a path, or a name in PATH\n(default $VIRTUAL_ENV, else python3)"},
        {"venv", 0, OPTION_TEXT, offsetof(BenchOptions, venv), "DIR", "that of this venv"},
        {"json", 'j', OPTION_FLAG, offsetof(BenchOptions, json), NULL,
         "print one JSON object instead of the lines"},
        {0},
};

const char bench_examples[] =
        "spr bench                                   all of it: about a minute\n"
        "spr bench --only hit --only throughput      what matters most\n"
        "spr bench --preload pandas -c 'import pandas; result = 1'\n"
        "spr bench --only soak --soak 100000         does anything grow?\n";

static const Measurement measurements[] = {
        {"cold", bench_measure_cold, false},
        {"hit", bench_measure_hit, false},
        {"miss", bench_measure_miss, false},
        {"open-loop", bench_measure_open_loop, false},
        {"throughput", bench_measure_throughput, false},
        {"memory", bench_measure_memory, false},
        {"sleeps", bench_measure_sleeps, false},
        {"soak", bench_measure_soak, true},
};

static int name_check(const char *name, Fault *fault) {
        Suggestion suggestion = SUGGESTION_INIT(name);

        for (size_t i = 0; i < ARRAY_SIZE(measurements); i++) {
                if (strcmp(measurements[i].name, name) == 0)
                        return 0;
                suggestion_consider(&suggestion, measurements[i].name);
        }
        if (suggestion.best)
                return fault_set(fault, STATUS_USAGE, "--only '%.64s': did you mean '%s'?", name,
                                 suggestion.best);
        return fault_set(fault, STATUS_USAGE, "--only '%.64s': see 'spr help bench'", name);
}

static int options_read(BenchOptions *options, int argc, char **argv, Fault *fault) {
        int r;

        r = plain_verb_read("bench", bench_options, options, argc, argv, fault);
        if (r)
                return r;
        if (options->n_runs == 0)
                options->n_runs = RUNS_DEFAULT;
        if (options->n_jobs == 0)
                options->n_jobs = JOBS_DEFAULT;
        if (options->n_standbys > STANDBYS_MAX)
                return fault_set(fault, STATUS_USAGE, "at most %d standbys", STANDBYS_MAX);
        if (options->n_runs > RUNS_MAX || options->n_soak > RUNS_MAX || options->n_jobs > RUNS_MAX)
                return fault_set(fault, STATUS_USAGE, "at most %d runs", RUNS_MAX);
        for (size_t i = 0; i < options->only.n_items && r == 0; i++)
                r = name_check(options->only.items[i], fault);
        return r;
}

static bool measurement_wanted(const Measurement *measurement, const BenchOptions *options) {
        for (size_t i = 0; i < options->only.n_items; i++)
                if (strcmp(options->only.items[i], measurement->name) == 0)
                        return true;
        if (measurement->on_demand)
                return options->n_soak > 0;
        return options->only.n_items == 0;
}

static int
measure_all(BenchSession *session, const BenchOptions *options, BenchReport *report, Fault *fault) {
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(measurements) && r == 0; i++) {
                if (!measurement_wanted(&measurements[i], options))
                        continue;
                report->measurement = measurements[i].name;
                r = measurements[i].measure(session, report, fault);
                if (r == 0 && !options->json)
                        bench_report_show(report);
        }
        return r;
}

static int
setting_show(const BenchSession *session, const BenchReport *report, double load, Fault *fault) {
        const BenchOptions *options = session->options;
        BenchSetting setting = {
                .python = session->python,
                .level = session->level[0] ? session->level : NULL,
                .job = session->code,
                .preload = options->preload.items,
                .n_preload = options->preload.n_items,
                .load = load,
                .n_cores = sysconf(_SC_NPROCESSORS_ONLN),
        };
        _cleanup_(freep) char *json = NULL;

        if (!options->json) {
                (void)printf("\n%s, isolation %s, %ld cores, load %.2f when it began\n",
                             setting.python, setting.level ? setting.level : "unknown",
                             setting.n_cores, load);
                return 0;
        }
        if (bench_report_to_json(report, &setting, &json))
                return fault_set_oom(fault);
        (void)puts(json);
        return 0;
}

static int bench_run(const CliContext *context, const BenchOptions *options, Fault *fault) {
        _cleanup_(bench_session_deinitp) BenchSession session = BENCH_SESSION_NULL;
        BenchReport report = {0};
        double load = 0;
        int r;

        (void)getloadavg(&load, 1);
        r = bench_session_init(&session, context, options, fault);
        if (r == 0)
                r = measure_all(&session, options, &report, fault);
        return r ? r : setting_show(&session, &report, load, fault);
}

int bench_main(const CliContext *context, int argc, char **argv) {
        _cleanup_(bench_options_deinitp) BenchOptions options = {0};
        Fault fault = {0};
        int r;

        r = options_read(&options, argc, argv, &fault);
        if (r == OPTIONS_E_HELP)
                return help_verb(context, "bench");
        if (r == 0)
                r = bench_run(context, &options, &fault);
        return plain_verb_end(context, r, &fault, STATUS_OK);
}
