#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Showing: policies, their keys and what they mean, for people and for editors
 *
 * Each gives out a text that free() takes, and returns 0 or -ENOMEM.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "policy/policy.h"

/* A policy file (TOML) that says the same; with @origin, behind each value where it came from. */
int policy_show(const Policy *policy, bool origin, char **textp);
/* The same as JSON: {"values": {…}, "origins": {…}}. */
int policy_show_json(const Policy *policy, char **jsonp);
/* What a key means, its unit, limits and default, and what @policy has there; or, for any other
 * name, what an import or a builtin of that name meets under @policy. */
int policy_explain(const Policy *policy, const char *name, char **textp);
/* JSON Schema of a policy file. */
int policy_json_schema(char **jsonp);
