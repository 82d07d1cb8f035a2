/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/plain-verb.h"
#include "cli/status.h"

int plain_verb_read(const char *verb,
                    const OptionSpec *specs,
                    void *options,
                    int argc,
                    char **argv,
                    Fault *fault) {
        _cleanup_(option_list_deinitp) OptionList operands = {0};
        OptionFault wrong = {0};
        int r;

        r = options_parse(specs, options, &operands, argc, argv, &wrong);
        if (r == OPTIONS_E_HELP)
                return r;
        if (r < 0)
                return fault_set_oom(fault);
        if (r > 0)
                return fault_set(fault, STATUS_USAGE, "%s", wrong.text);
        if (operands.n_items > 0)
                return fault_set(fault, STATUS_USAGE, "'spr %s' takes no argument: '%s'", verb,
                                 operands.items[0]);
        return 0;
}

int plain_verb_end(const CliContext *context, int r, const Fault *fault, int status) {
        if (r) {
                words_error(&context->words, "%s", fault->text);
                return fault->status;
        }
        if (fflush(stdout) != 0 || ferror(stdout)) {
                words_error(&context->words, "cannot write to standard output");
                return STATUS_FAILURE;
        }
        return status;
}
