#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * EnvironmentError: failures of venvs and scripts as public errors
 *
 * error_from_failure() takes FAILURE_STAGE_ENVIRONMENT for the interpreter of an engine; here the
 * same stage means a venv or its packages.
 */
#include "client/error.h"

static inline int environment_error(SprError *error, const Failure *failure) {
        if (failure->code != ENOMEM && (failure->stage == FAILURE_STAGE_ENVIRONMENT ||
                                        failure->stage == FAILURE_STAGE_RESOURCES))
                return error_set(error, SPR_E_ENVIRONMENT, "%s", failure->text);
        return error_from_failure(error, failure);
}
