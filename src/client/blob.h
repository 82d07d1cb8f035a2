#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Blob: immutable bytes that requests and runs share
 *
 * A request may be submitted many times, changed or freed while its runs are in flight; each run
 * holds what it was given. The count is atomic: requests are shared between threads.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "base/attr.h"

typedef struct Blob Blob;

struct Blob {
        atomic_size_t n_refs;
        size_t size;
        char bytes[]; /* and a NUL, not counted */
};

/* Returns 0 or -ENOMEM. */
int blob_new(Blob **blobp, const void *bytes, size_t size);
/* Both accept NULL. */
Blob *blob_ref(Blob *blob);
Blob *blob_unref(Blob *blob);

static inline size_t blob_size(const Blob *blob) {
        return blob ? blob->size : 0;
}

DEFINE_CLEANUP(Blob *, blob_unref)
