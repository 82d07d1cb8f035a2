#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * JSON reader: the text of a policy file, or of a caller, into a Document
 */
#include <stddef.h>

#include "base/attr.h"
#include "policy/document.h"

typedef struct Failure Failure;

/* Returns 0, -EINVAL with words in @failure, or -ENOMEM. @document is filled on success. */
int json_read(
        Document *document, const char *text, size_t length, const char *source, Failure *failure);
/* One object that stands for itself, as the one entry of @document, named @key. */
int json_read_object(
        Document *document, const char *key, const char *text, size_t length, Failure *failure);
