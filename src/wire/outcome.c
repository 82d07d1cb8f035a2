/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "wire/outcome.h"

static const char *const outcome_names[_OUTCOME_N] = {
        [OUTCOME_OK] = "ok",           [OUTCOME_ERROR] = "error",
        [OUTCOME_TIMEOUT] = "timeout", [OUTCOME_MEMORY] = "memory",
        [OUTCOME_OUTPUT] = "output",   [OUTCOME_DENIED] = "denied",
        [OUTCOME_CRASH] = "crash",     [OUTCOME_CANCELLED] = "cancelled",
        [OUTCOME_INFRA] = "infra",
};

static const char *const killed_by_names[_KILLED_BY_N] = {
        [KILLED_BY_NOBODY] = NULL,     [KILLED_BY_TIMEOUT] = "timeout",
        [KILLED_BY_MEMORY] = "memory", [KILLED_BY_SIGNAL] = "signal",
        [KILLED_BY_CANCEL] = "cancel", [KILLED_BY_AGENT] = "agent",
        [KILLED_BY_CPU] = "cpu",       [KILLED_BY_PROCESSES] = "processes",
        [KILLED_BY_DISK] = "disk",
};

const char *outcome_name(uint32_t outcome) {
        return outcome < _OUTCOME_N ? outcome_names[outcome] : "unknown";
}

const char *killed_by_name(uint32_t killed_by) {
        return killed_by < _KILLED_BY_N ? killed_by_names[killed_by] : "unknown";
}
