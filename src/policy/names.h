#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Names: lists of them, and what counts as one
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "policy/policy.h"

typedef enum NameSyntax {
        NAME_IDENTIFIER, /* "open" */
        NAME_MODULE,     /* identifiers with points between: "os.path" */
        NAME_VARIABLE,   /* of the environment: ASCII only */
} NameSyntax;

/* NULL where @name is fine; else why not: "is empty", "is longer than 256 bytes". Letters beyond
 * ASCII are all let through: which of them make a Python identifier only the interpreter knows, and
 * a name that cannot be written matches nothing. */
const char *name_fault(const char *name, size_t length, NameSyntax syntax);

#define STRING_LIST_NULL                                                                           \
        (StringList) {                                                                             \
                .items = NULL                                                                      \
        }

void string_list_deinit(StringList *list);
bool string_list_contains(const StringList *list, const char *name, size_t length);
/* Copies; 0 or -ENOMEM. @name holds no NUL. */
int string_list_add(StringList *list, const char *name, size_t length);
/* Fills the empty @list; 0 or -ENOMEM, and then it is empty still. */
int string_list_dup(StringList *list, const StringList *from);

static inline void string_list_deinitp(StringList *list) {
        string_list_deinit(list);
}
