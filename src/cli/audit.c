/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/audit.h"
#include "cli/fault.h"
#include "cli/handles.h"
#include "cli/help.h"
#include "cli/plain-verb.h"
#include "cli/status.h"

#define STATUS_FAULTS 1

typedef struct AuditOptions {
        bool json;
} AuditOptions;

const OptionSpec audit_options[] = {
        {"json", 'j', OPTION_FLAG, offsetof(AuditOptions, json), NULL,
         "print one JSON object instead of the lines"},
        {0},
};

const char audit_examples[] =
        "spr audit verify audit.log              is each line as it was written?\n"
        "spr audit verify audit.log.1 audit.log  a log in two files\n";

static void faults_print(const SprAudit *audit) {
        uint64_t n_faults = spr_audit_get_n_faults(audit);
        const char *fault;
        size_t n_shown = 0;

        while ((fault = spr_audit_get_fault(audit, n_shown))) {
                (void)printf("%s\n", fault);
                ++n_shown;
        }
        if (n_faults > n_shown)
                (void)printf("and %" PRIu64 " more\n", n_faults - n_shown);
        if (n_faults == 0)
                (void)printf("ok: %" PRIu64 " lines, %" PRIu64 " runs, last hash %s\n",
                             spr_audit_get_lines(audit), spr_audit_get_runs(audit),
                             spr_audit_get_last_hash(audit));
}

static int json_print(const SprAudit *audit, Fault *fault) {
        _cleanup_(freep) char *json = NULL;

        if (spr_audit_to_json(audit, &json))
                return fault_set_oom(fault);
        (void)puts(json);
        return 0;
}

static int verify(const OptionList *operands, SprAudit **auditp, Fault *fault) {
        SprError error = {0};
        int r;

        if (operands->n_items == 0 || strcmp(operands->items[0], "verify") != 0)
                return fault_set(fault, STATUS_USAGE, "say 'spr audit verify FILE'%s%.64s",
                                 operands->n_items == 0 ? "" : ", not ",
                                 operands->n_items == 0 ? "" : operands->items[0]);
        if (operands->n_items == 1)
                return fault_set(fault, STATUS_USAGE, "'spr audit verify' wants a file");
        r = spr_audit_verify(auditp, operands->items + 1, operands->n_items - 1, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

int audit_main(const CliContext *context, int argc, char **argv) {
        _cleanup_(option_list_deinitp) OptionList operands = {0};
        _cleanup_(spr_audit_freep) SprAudit *audit = NULL;
        AuditOptions options = {0};
        OptionFault wrong = {0};
        Fault fault = {0};
        int r;

        r = options_parse(audit_options, &options, &operands, argc, argv, &wrong);
        if (r == OPTIONS_E_HELP)
                return help_verb(context, "audit");
        if (r < 0)
                r = fault_set_oom(&fault);
        else if (r > 0)
                r = fault_set(&fault, STATUS_USAGE, "%s", wrong.text);
        else
                r = verify(&operands, &audit, &fault);
        if (r == 0 && options.json)
                r = json_print(audit, &fault);
        else if (r == 0)
                faults_print(audit);
        return plain_verb_end(context, r, &fault,
                              r || spr_audit_get_ok(audit) ? STATUS_OK : STATUS_FAULTS);
}
