/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/error.h"

static const int codes[_FAILURE_STAGE_N] = {
        [FAILURE_STAGE_NONE] = SPR_E_AGENT,      [FAILURE_STAGE_REQUEST] = SPR_E_INVALID,
        [FAILURE_STAGE_POLICY] = SPR_E_POLICY,   [FAILURE_STAGE_ENVIRONMENT] = SPR_E_INTERPRETER,
        [FAILURE_STAGE_AGENT] = SPR_E_AGENT,     [FAILURE_STAGE_ZYGOTE] = SPR_E_AGENT,
        [FAILURE_STAGE_SANDBOX] = SPR_E_AGENT,   [FAILURE_STAGE_WORKER] = SPR_E_AGENT,
        [FAILURE_STAGE_RESOURCES] = SPR_E_AGENT, [FAILURE_STAGE_AUDIT] = SPR_E_AUDIT,
};

int error_set(SprError *error, int code, const char *format, ...) {
        va_list args;

        if (!error)
                return code;
        error->code = code;
        va_start(args, format);
        if (vsnprintf(error->message, sizeof(error->message), format, args) < 0)
                error->message[0] = '\0';
        va_end(args);
        return code;
}

int error_code(const Failure *failure) {
        if (failure->code == ENOMEM)
                return -ENOMEM;
        if (failure->stage == FAILURE_STAGE_RESOURCES && failure->code == EBUSY)
                return SPR_E_BUSY;
        return failure->stage < _FAILURE_STAGE_N ? codes[failure->stage] : SPR_E_AGENT;
}

int error_from_failure(SprError *error, const Failure *failure) {
        return error_set(error, error_code(failure), "%s", failure->text);
}

int error_from_errno(SprError *error, int code) {
        return error_set(error, code, "%s", strerror(-code));
}
