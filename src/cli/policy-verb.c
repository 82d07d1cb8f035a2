/* SPDX-License-Identifier: MIT */
/*
 * The policy is made as `spr run` makes its own, by the same options, so that what is shown here is
 * what a run would have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fault.h"
#include "cli/handles.h"
#include "cli/help.h"
#include "cli/plain-verb.h"
#include "cli/policy-learn.h"
#include "cli/policy-verb.h"
#include "cli/run-policy.h"
#include "cli/status.h"

typedef struct PolicyOptions {
        RunOptions run;
        bool origin;
        bool json;
} PolicyOptions;

typedef int (*PolicyAction)(const PolicyOptions *options,
                            const SprPolicy *policy,
                            const char *operand,
                            char **textp);

const OptionSpec policy_options[] = {
        {"origin", 'o', OPTION_FLAG, offsetof(PolicyOptions, origin), NULL,
         "show: say where each value came from"},
        {"json", 'j', OPTION_FLAG, offsetof(PolicyOptions, json), NULL,
         "show: print one JSON object, with the origins"},
        {"policy", 0, OPTION_TEXT, offsetof(PolicyOptions, run.policy), "FILE",
         "the policy file, see spr-policy(5)"},
        {"policy-preset", 0, OPTION_TEXT, offsetof(PolicyOptions, run.preset), "NAME",
         "begin from strict, default, data, judge or open"},
        {"timeout", 't', OPTION_DURATION, offsetof(PolicyOptions, run.timeout_ns), "TIME",
         "as for 'spr run'"},
        {"memory", 'm', OPTION_SIZE, offsetof(PolicyOptions, run.memory_bytes), "SIZE",
         "as for 'spr run'"},
        {"cpu-seconds", 0, OPTION_DURATION, offsetof(PolicyOptions, run.cpu_ns), "TIME",
         "as for 'spr run'"},
        {"disk", 0, OPTION_SIZE, offsetof(PolicyOptions, run.disk_bytes), "SIZE",
         "as for 'spr run'"},
        {"max-file", 0, OPTION_SIZE, offsetof(PolicyOptions, run.file_bytes), "SIZE",
         "as for 'spr run'"},
        {"max-processes", 0, OPTION_NUMBER, offsetof(PolicyOptions, run.max_processes), "N",
         "as for 'spr run'"},
        {"allow-processes", 0, OPTION_FLAG, offsetof(PolicyOptions, run.allow_processes), NULL,
         "as for 'spr run'"},
        {"network", 0, OPTION_TEXT, offsetof(PolicyOptions, run.network), "none|host",
         "as for 'spr run'"},
        {"read-only", 0, OPTION_LIST, offsetof(PolicyOptions, run.paths), "PATH",
         "as for 'spr run'"},
        {"env", 0, OPTION_LIST, offsetof(PolicyOptions, run.env), "NAME=VALUE", "as for 'spr run'"},
        {"proc", 0, OPTION_FLAG, offsetof(PolicyOptions, run.proc), NULL, "as for 'spr run'"},
        {"input", 'i', OPTION_TEXT, offsetof(PolicyOptions, run.input), "JSON|@FILE",
         "learn: data for the programs"},
        {"python", 0, OPTION_TEXT, offsetof(PolicyOptions, run.python), "PATH",
         "learn: the interpreter, as for 'spr run'"},
        {"venv", 0, OPTION_TEXT, offsetof(PolicyOptions, run.venv), "DIR", "learn: that of a venv"},
        {0},
};

const char policy_examples[] =
        "spr policy show                             what a run without a policy may do\n"
        "spr policy show --origin policy.toml        each value, and where it came from\n"
        "spr policy show --policy-preset data > policy.toml\n"
        "spr policy explain memory_limit_mb          what a key means\n"
        "spr policy explain os --policy policy.toml  may the code import it?\n"
        "spr policy learn job.py > policy.toml       the least that it passes with\n"
        "spr policy presets                          what there is to begin from\n";

const OptionSpec schema_options[] = {{0}};

static int action_show(const PolicyOptions *options,
                       const SprPolicy *policy,
                       const char *operand _unused_,
                       char **textp) {
        return options->json ? spr_policy_show_json(policy, textp)
                             : spr_policy_show(policy, options->origin, textp);
}

static int action_explain(const PolicyOptions *options _unused_,
                          const SprPolicy *policy,
                          const char *operand,
                          char **textp) {
        return spr_policy_explain(policy, operand, textp);
}

static void presets_print(void) {
        const char *name;

        for (size_t i = 0; (name = spr_policy_get_preset_name(i)); ++i)
                (void)printf("%-8s %s\n", name, spr_policy_get_preset_summary(i));
}

/* Ends in a newline, whatever the text does. */
static void text_print(const char *text) {
        size_t length = strlen(text);

        (void)printf("%s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
}

static int policy_print(const CliContext *context,
                        const PolicyOptions *options,
                        PolicyAction action,
                        const char *operand,
                        Fault *fault) {
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        _cleanup_(freep) char *text = NULL;
        int r;

        r = run_policy_load(&options->run, context->environment, &policy, fault);
        if (r)
                return r;
        if (action(options, policy, operand, &text))
                return fault_set_oom(fault);
        text_print(text);
        return 0;
}

/* show [FILE], explain NAME, learn FILE…, presets */
static int policy_act(const CliContext *context,
                      PolicyOptions *options,
                      const OptionList *operands,
                      Fault *fault) {
        const char *action = operands->n_items > 0 ? operands->items[0] : "";
        const char *operand = operands->n_items > 1 ? operands->items[1] : NULL;

        if (strcmp(action, "learn") == 0) {
                if (!operand)
                        return fault_set(fault, STATUS_USAGE, "'spr policy learn' wants a file");
                return policy_learn(context, &options->run, operands->items + 1,
                                    operands->n_items - 1, fault);
        }
        if (operands->n_items > 2)
                return fault_set(fault, STATUS_USAGE,
                                 "'spr policy %.32s' takes one argument: '%.64s'", action,
                                 operands->items[2]);
        if (strcmp(action, "presets") == 0 && !operand) {
                presets_print();
                return 0;
        }
        if (strcmp(action, "explain") == 0) {
                if (!operand)
                        return fault_set(fault, STATUS_USAGE, "'spr policy explain' wants a name");
                return policy_print(context, options, action_explain, operand, fault);
        }
        if (strcmp(action, "show") != 0)
                return fault_set(
                        fault, STATUS_USAGE,
                        "say 'spr policy show', 'explain NAME', 'learn FILE' or 'presets'");
        if (operand && options->run.policy)
                return fault_set(fault, STATUS_USAGE, "give the file or --policy, not both");
        if (operand)
                options->run.policy = operand;
        return policy_print(context, options, action_show, NULL, fault);
}

static void policy_options_deinit(PolicyOptions *options) {
        run_options_deinitp(&options->run);
}

int policy_main(const CliContext *context, int argc, char **argv) {
        _cleanup_(option_list_deinitp) OptionList operands = {0};
        _cleanup_(policy_options_deinit) PolicyOptions options = {.origin = false};
        OptionFault wrong = {0};
        Fault fault = {0};
        int r;

        r = options_parse(policy_options, &options, &operands, argc, argv, &wrong);
        if (r == OPTIONS_E_HELP)
                return help_verb(context, "policy");
        if (r < 0)
                r = fault_set_oom(&fault);
        else if (r > 0)
                r = fault_set(&fault, STATUS_USAGE, "%s", wrong.text);
        else
                r = policy_act(context, &options, &operands, &fault);
        return plain_verb_end(context, r, &fault, STATUS_OK);
}

static int schema_print(const OptionList *operands, Fault *fault) {
        _cleanup_(freep) char *json = NULL;

        if (operands->n_items != 1 || strcmp(operands->items[0], "policy") != 0)
                return fault_set(fault, STATUS_USAGE, "say 'spr schema policy'");
        if (spr_policy_json_schema(&json))
                return fault_set_oom(fault);
        (void)puts(json);
        return 0;
}

int schema_main(const CliContext *context, int argc, char **argv) {
        _cleanup_(option_list_deinitp) OptionList operands = {0};
        OptionFault wrong = {0};
        Fault fault = {0};
        int r;

        r = options_parse(schema_options, NULL, &operands, argc, argv, &wrong);
        if (r == OPTIONS_E_HELP)
                return help_verb(context, "schema");
        if (r < 0)
                r = fault_set_oom(&fault);
        else if (r > 0)
                r = fault_set(&fault, STATUS_USAGE, "%s", wrong.text);
        else
                r = schema_print(&operands, &fault);
        return plain_verb_end(context, r, &fault, STATUS_OK);
}
