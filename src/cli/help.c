/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/options.h"
#include "cli/run.h"
#include "cli/status.h"
#include "cli/verbs.h"

#define OPTION_COLUMN 28 /* where the explanations of options begin */

static void heading_print(const CliContext *context, const char *text) {
        (void)printf(context->colour ? "\033[1m%s\033[0m\n" : "%s\n", text);
}

/* Each line of @text behind @indent blanks; the first one where the cursor is already there. */
static void lines_print(const char *text, int indent, bool started) {
        while (*text) {
                int length = (int)strcspn(text, "\n");

                (void)printf("%*s%.*s\n", started ? 0 : indent, "", length, text);
                started = false;
                text += length;
                text += *text == '\n';
        }
}

static void option_print(const OptionSpec *spec) {
        char left[64] = {0};
        char letter[] = {'-', spec->letter, ',', '\0'};
        int n;

        n = snprintf(left, sizeof(left), "  %3s --%s%s%s", spec->letter ? letter : "", spec->name,
                     spec->value ? " " : "", spec->value ? spec->value : "");
        if (n < OPTION_COLUMN) {
                (void)printf("%-*s", OPTION_COLUMN, left);
                lines_print(spec->help, OPTION_COLUMN, true);
        } else {
                (void)printf("%s\n", left);
                lines_print(spec->help, OPTION_COLUMN, false);
        }
}

static void options_print(const CliContext *context, const Verb *verb) {
        static const OptionSpec help = {.name = "help", .letter = 'h', .help = "this text"};

        (void)printf("\n");
        heading_print(context, "Options");
        for (const OptionSpec *spec = verb->options; spec->name; spec++)
                option_print(spec);
        option_print(&help);
}

static int output_status(const CliContext *context) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return STATUS_OK;
        words_error(&context->words, "cannot write to standard output");
        return STATUS_FAILURE;
}

int help_overview(const CliContext *context) {
        (void)printf("spr runs Python that a language model wrote, confined and fast.\n\n");
        heading_print(context, "Usage");
        for (const Verb *verb = verbs; verb->name; verb++)
                (void)printf("  spr %-8s %-22s %s\n", verb->name, verb->operands, verb->summary);
        (void)printf("\n");
        heading_print(context, "Examples");
        lines_print(run_examples, 2, false);
        (void)printf("\n'spr help VERB' explains a verb, 'man spr' everything.\n");
        return output_status(context);
}

int help_verb(const CliContext *context, const char *name) {
        const Verb *verb = verb_find(name);

        if (!verb)
                return verb_unknown(context, name);

        (void)printf("%s\n\n", verb->summary);
        heading_print(context, "Usage");
        (void)printf("  spr %s %s%s\n", verb->name, verb->options ? "[OPTIONS] " : "",
                     verb->operands);
        if (verb->options)
                options_print(context, verb);
        if (verb->examples) {
                (void)printf("\n");
                heading_print(context, "Examples");
                lines_print(verb->examples, 2, false);
        }
        return output_status(context);
}

int help_main(const CliContext *context, int argc, char **argv) {
        if (argc == 0)
                return help_overview(context);
        return help_verb(context, argv[0]);
}
