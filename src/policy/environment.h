#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Policy from environment variables: SPR_TIMEOUT_SECONDS=2.5, SPR_BLOCKED_IMPORTS=os,socket
 *
 * A variable for each key. Numbers, true and false, and words as in a file but without quotes;
 * names with commas between them, paths with colons; tables (SPR_ENV, SPR_EXTRA_GLOBALS) as JSON.
 * An empty variable is an empty list, and else counts as none. The library reads no environment by
 * itself: whoever calls this has one.
 */
#include "base/attr.h"
#include "policy/policy.h"
#include "policy/schema.h"

#define POLICY_VARIABLE_MAX 64

/* "SPR_TIMEOUT_SECONDS"; returns @text. */
const char *policy_variable(const SchemaKey *key, char text[static POLICY_VARIABLE_MAX]);
/* On top of what @policy holds, which after a failure is as it was. @environment is an envp.
 * Returns 0, -EINVAL with words that name the variable, or -ENOMEM. */
int policy_apply_environment(Policy *policy, const char *const *environment, Failure *failure);
