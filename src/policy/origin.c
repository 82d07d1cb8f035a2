/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "policy/environment.h"
#include "policy/policy.h"
#include "policy/schema.h"

const char *policy_origin(const Policy *policy, size_t row, char *text, size_t size) {
        const PolicyOrigin *origin = &policy->origins[row];
        const char *source = policy->source ? policy->source : "policy";
        char variable[POLICY_VARIABLE_MAX];

        switch (origin->kind) {
        case POLICY_ORIGIN_PRESET:
                (void)snprintf(text, size, "preset %s", policy->preset);
                break;
        case POLICY_ORIGIN_FILE:
                if (origin->line > 0)
                        (void)snprintf(text, size, "%s:%u", source, origin->line);
                else
                        (void)snprintf(text, size, "%s, which does not name it", source);
                break;
        case POLICY_ORIGIN_ENVIRONMENT:
                (void)snprintf(text, size, "env %s", policy_variable(&schema_keys[row], variable));
                break;
        case POLICY_ORIGIN_CALLER:
                (void)snprintf(text, size, "flag");
                break;
        case POLICY_ORIGIN_DEFAULT:
        default:
                (void)snprintf(text, size, "default");
        }
        return text;
}
