/* SPDX-License-Identifier: MIT */
/*
 * A line per layer: its mark, its name, what it keeps the code from; below it what was found and
 * the command that would help. The layers, their states and all words come from libspr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/engine-options.h"
#include "cli/handles.h"
#include "cli/help.h"
#include "cli/plain-verb.h"
#include "cli/run-environment.h"
#include "cli/status.h"

#define STATUS_TOO_WEAK 1

typedef struct DoctorOptions {
        const char *python;
        const char *venv;
        bool json;
} DoctorOptions;

typedef struct Mark {
        const char *state;
        const char *sign; /* UTF-8 */
        const char *ascii;
        const char *colour;
} Mark;

const OptionSpec doctor_options[] = {
        {"python", 0, OPTION_TEXT, offsetof(DoctorOptions, python), "PATH",
         "interpreter: a path, or a name in PATH\n(default $VIRTUAL_ENV, else python3)"},
        {"venv", 0, OPTION_TEXT, offsetof(DoctorOptions, venv), "DIR", "that of this venv"},
        {"json", 'j', OPTION_FLAG, offsetof(DoctorOptions, json), NULL,
         "print one JSON object instead of the lines"},
        {0},
};

const char doctor_examples[] = "spr doctor                    what confines a run here\n"
                               "spr doctor --json | jq .level\n";

static const Mark marks[] = {
        {"ok", "✓", "ok", "\033[32m"},
        {"weak", "!", "! ", "\033[33m"},
        {"inapplicable", "!", "! ", "\033[33m"},
        {"", "✗", "X ", "\033[31m"}, /* all others */
};

static const Mark *mark_find(const char *state) {
        size_t i = 0;

        while (marks[i].state[0] && strcmp(marks[i].state, state) != 0)
                ++i;
        return &marks[i];
}

static void layer_print(const CliContext *context, const SprDoctor *doctor, size_t i) {
        const Mark *mark = mark_find(spr_doctor_get_state(doctor, i));
        const char *detail = spr_doctor_get_detail(doctor, i);
        const char *advice = spr_doctor_get_advice(doctor, i);

        (void)printf("%s%s%s %-16s %s\n", context->colour ? mark->colour : "",
                     context->utf8 ? mark->sign : mark->ascii, context->colour ? "\033[0m" : "",
                     spr_doctor_get_layer(doctor, i), spr_doctor_get_protects(doctor, i));
        if (detail)
                (void)printf("      %s\n", detail);
        if (advice)
                (void)printf("      %s %s\n", context->utf8 ? "→" : "->", advice);
}

static void report_print(const CliContext *context, const SprDoctor *doctor) {
        const char *error = spr_doctor_get_run_error(doctor);
        const char *python = spr_doctor_get_python(doctor);
        const char *kernel = spr_doctor_get_kernel(doctor);

        for (size_t i = 0; spr_doctor_get_layer(doctor, i); ++i)
                layer_print(context, doctor, i);
        (void)printf("\nlevel: %s", spr_doctor_get_level(doctor));
        if (error)
                (void)printf(" (a run failed: %s)", error);
        else
                (void)printf(" (reached by a run of Python %s on Linux %s)", python ? python : "?",
                             kernel ? kernel : "?");
        (void)printf("%s\n", spr_doctor_get_ok(doctor) || error
                                     ? ""
                                     : ": less than the default policy demands");
}

static int json_print(const SprDoctor *doctor, Fault *fault) {
        _cleanup_(freep) char *json = NULL;

        if (spr_doctor_to_json(doctor, &json))
                return fault_set_oom(fault);
        (void)puts(json);
        return 0;
}

static int doctor_ask(const CliContext *context,
                      const DoctorOptions *options,
                      SprDoctor **doctorp,
                      Fault *fault) {
        _cleanup_(spr_engine_options_freep) SprEngineOptions *engine = NULL;
        _cleanup_(freep) char *python = NULL;
        RunOptions run = {.python = options->python, .venv = options->venv};
        RunInput input = {.name = "", .code = (char[]){""}};
        Words words = context->words;
        RunEnvironment environment = {
                .context = context, .options = &run, .input = &input, .words = &words};
        SprError error = {0};
        int r;

        r = run_environment_find_python(&environment, &python, fault);
        if (r)
                return r;
        r = engine_options_make(context, python, &engine, fault);
        if (r)
                return r;
        r = spr_doctor_new(doctorp, engine, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

int doctor_main(const CliContext *context, int argc, char **argv) {
        _cleanup_(spr_doctor_freep) SprDoctor *doctor = NULL;
        DoctorOptions options = {0};
        Fault fault = {0};
        int r;

        r = plain_verb_read("doctor", doctor_options, &options, argc, argv, &fault);
        if (r == OPTIONS_E_HELP)
                return help_verb(context, "doctor");
        if (r == 0)
                r = doctor_ask(context, &options, &doctor, &fault);
        if (r == 0 && options.json)
                r = json_print(doctor, &fault);
        else if (r == 0)
                report_print(context, doctor);
        return plain_verb_end(context, r, &fault,
                              r || spr_doctor_get_ok(doctor) ? STATUS_OK : STATUS_TOO_WEAK);
}
