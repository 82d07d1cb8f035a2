/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <spr/spr.h>

#include "cli/status.h"
#include "cli/version.h"

int version_main(const CliContext *context, int argc, char **argv) {
        if (argc > 0) {
                words_error(&context->words, "'spr version' takes no argument: '%s'", argv[0]);
                return STATUS_USAGE;
        }
        if (printf("spr %s\n", spr_version()) < 0 || fflush(stdout) != 0)
                return STATUS_FAILURE;
        return STATUS_OK;
}
