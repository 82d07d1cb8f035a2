#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * TOML reader: the text of a policy file into a Document
 */
#include <stddef.h>

#include "base/attr.h"
#include "policy/document.h"

typedef struct Failure Failure;

/* Returns 0, -EINVAL with words in @failure, or -ENOMEM. @document is filled on success. */
int toml_read(
        Document *document, const char *text, size_t length, const char *source, Failure *failure);
