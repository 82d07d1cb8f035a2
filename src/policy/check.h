#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Check: a document's values, judged and stored in a policy
 *
 * Each returns 0, -EINVAL with words in @failure, or -ENOMEM. After a failure the policy holds
 * some of the values and is good for nothing but policy_free().
 */
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "policy/complain.h"
#include "policy/document.h"
#include "policy/policy.h"
#include "policy/presets.h"
#include "policy/schema.h"

/* Which preset the document begins from ("extends"); NULL = none. */
int check_extends(const Document *document,
                  const char *source,
                  const Preset **presetp,
                  Failure *failure);
/* @policy holds what the document does not say; @source names the file. Texts are moved out of
 * @document. */
int check_document(Policy *policy, Document *document, const char *source, Failure *failure);
/* The text and keys of one table of globals. The text is moved out of @entry. */
int check_globals(Policy *policy, Entry *entry, const char *source, Failure *failure);
/* What is to be stored for @key lies within its range. */
int check_stored(const SchemaKey *key, uint64_t stored, Failure *failure);
