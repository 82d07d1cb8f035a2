#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Emitting: values of a policy as text
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buffer.h"
#include "policy/policy.h"
#include "policy/schema.h"

/* Appends one value as JSON, which but for tables is TOML as well. Returns 0, BUFFER_E_FULL or
 * -ENOMEM. */
int policy_emit_value(Buffer *buffer, const SchemaKey *key, const Policy *policy);
