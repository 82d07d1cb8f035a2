/* SPDX-License-Identifier: MIT */
#include "cli/status.h"

int status_from_result(const SprResult *result) {
        int code = spr_result_get_exit_code(result);

        switch (spr_result_get_outcome(result)) {
        case SPR_OUTCOME_TIMEOUT:
                return STATUS_TIMEOUT;
        case SPR_OUTCOME_MEMORY:
                return STATUS_MEMORY;
        case SPR_OUTCOME_CANCELLED:
                return STATUS_INTERRUPTED;
        case SPR_OUTCOME_INFRA:
                return code == STATUS_ISOLATION ? STATUS_ISOLATION : STATUS_FAILURE;
        case SPR_OUTCOME_OK:
        case SPR_OUTCOME_ERROR:
        case SPR_OUTCOME_OUTPUT:
        case SPR_OUTCOME_DENIED:
        case SPR_OUTCOME_CRASH:
                break;
        }

        /* What did not end well never looks like success. */
        return code == 0 && !spr_result_get_ok(result) ? 1 : code;
}

int status_from_error(int r) {
        switch (r) {
        case 0:
                return STATUS_OK;
        case SPR_E_INVALID:
        case SPR_E_POLICY:
                return STATUS_USAGE;
        case SPR_E_INTERPRETER:
                return STATUS_INTERPRETER;
        case SPR_E_INTERRUPTED:
                return STATUS_INTERRUPTED;
        default:
                return STATUS_FAILURE;
        }
}
