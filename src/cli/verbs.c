/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "cli/audit.h"
#include "cli/bench.h"
#include "cli/doctor.h"
#include "cli/help.h"
#include "cli/policy-verb.h"
#include "cli/run.h"
#include "cli/status.h"
#include "cli/suggest.h"
#include "cli/verbs.h"
#include "cli/version.h"

typedef struct Alias Alias;

/* Verbs that people spell as options. */
struct Alias {
        const char *option;
        const char *verb;
};

static const Alias aliases[] = {
        {"--help", "help"},
        {"-h", "help"},
        {"--version", "version"},
        {"-V", "version"},
};

const Verb verbs[] = {
        {
                .name = "run",
                .summary = "run Python code, confined",
                .operands = "FILE | -c CODE | -",
                .options = run_options,
                .examples = run_examples,
                .run = run_main,
        },
        {
                .name = "doctor",
                .summary = "show what confines a run on this machine, and what would",
                .operands = "",
                .options = doctor_options,
                .examples = doctor_examples,
                .run = doctor_main,
        },
        {
                .name = "policy",
                .summary = "show and explain what the code may do",
                .operands = "show | explain | learn",
                .options = policy_options,
                .examples = policy_examples,
                .run = policy_main,
        },
        {
                .name = "schema",
                .summary = "print the JSON Schema of policy files",
                .operands = "policy",
                .options = schema_options,
                .run = schema_main,
        },
        {
                .name = "audit",
                .summary = "look whether an audit log is as it was written",
                .operands = "verify FILE...",
                .options = audit_options,
                .examples = audit_examples,
                .run = audit_main,
        },
        {
                .name = "bench",
                .summary = "measure how fast runs are here",
                .operands = "",
                .options = bench_options,
                .examples = bench_examples,
                .run = bench_main,
        },
        {
                .name = "help",
                .summary = "explain a verb",
                .operands = "[VERB]",
                .run = help_main,
        },
        {
                .name = "version",
                .summary = "print the version",
                .operands = "",
                .run = version_main,
        },
        {0},
};

const Verb *verb_find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
                if (strcmp(aliases[i].option, name) == 0)
                        name = aliases[i].verb;
        for (const Verb *verb = verbs; verb->name; verb++)
                if (strcmp(verb->name, name) == 0)
                        return verb;
        return NULL;
}

int verb_unknown(const CliContext *context, const char *name) {
        Suggestion suggestion = SUGGESTION_INIT(name + strspn(name, "-"));
        const char *kind = name[0] == '-' ? "option" : "verb";

        for (const Verb *verb = verbs; verb->name; verb++)
                suggestion_consider(&suggestion, verb->name);

        if (suggestion.best)
                words_error(&context->words, "unknown %s '%s': did you mean 'spr %s'?", kind, name,
                            suggestion.best);
        else if (access(name, R_OK) == 0)
                words_error(&context->words, "unknown %s '%s': did you mean 'spr run %s'?", kind,
                            name, name);
        else
                words_error(&context->words, "unknown %s '%s': see 'spr help'", kind, name);
        return STATUS_USAGE;
}

int verbs_dispatch(const CliContext *context, int argc, char **argv) {
        const Verb *verb;

        if (argc == 0)
                return help_overview(context);
        verb = verb_find(argv[0]);
        if (!verb)
                return verb_unknown(context, argv[0]);
        return verb->run(context, argc - 1, argv + 1);
}
