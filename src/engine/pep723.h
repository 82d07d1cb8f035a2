#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * PEP 723: the metadata that a script carries in a comment block
 *
 *         # /// script
 *         # requires-python = ">=3.11"
 *         # dependencies = ["requests<3"]
 *         # ///
 *
 * Only read: the script's author is not trusted with the choice of what is installed. Everything
 * here is hostile input.
 */
#include <stddef.h>

#include "base/failure.h"
#include "engine/strings.h"

typedef struct Pep723Metadata Pep723Metadata;

#define PEP723_BLOCK_MAX        (64 * 1024)
#define PEP723_DEPENDENCIES_MAX 256

enum {
        _PEP723_E_SUCCESS,
        PEP723_E_NONE, /* the script carries no block of type "script" */
};

struct Pep723Metadata {
        Strings dependencies;  /* as they stand there */
        char *requires_python; /* NULL: not given; owned */
};

#define PEP723_METADATA_NULL                                                                       \
        (Pep723Metadata) {                                                                         \
                .requires_python = NULL                                                            \
        }

void pep723_metadata_deinit(Pep723Metadata *metadata);
/* The TOML text of the one block, comment signs removed, in *contentp (free with free()); blank
 * lines stand before it, so that its lines have the script's numbers. Two blocks, or one above
 * PEP723_BLOCK_MAX, are -EINVAL with words; @name stands for the script in them: "job.py:3: …". */
int pep723_extract(const char *text,
                   size_t length,
                   const char *name,
                   char **contentp,
                   size_t *content_lengthp,
                   Failure *failure);
/* The same, understood. PEP723_E_NONE, or -EINVAL with words. */
int pep723_read(Pep723Metadata *metadata,
                const char *text,
                size_t length,
                const char *name,
                Failure *failure);

static inline void pep723_metadata_deinitp(Pep723Metadata *metadata) {
        pep723_metadata_deinit(metadata);
}
