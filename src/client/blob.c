/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/blob.h"

int blob_new(Blob **blobp, const void *bytes, size_t size) {
        Blob *blob = NULL;

        if (size < SIZE_MAX - sizeof(*blob))
                blob = malloc(sizeof(*blob) + size + 1);
        if (!blob)
                return -ENOMEM;
        atomic_init(&blob->n_refs, 1);
        blob->size = size;
        if (size > 0)
                memcpy(blob->bytes, bytes, size);
        blob->bytes[size] = '\0';
        *blobp = blob;
        return 0;
}

Blob *blob_ref(Blob *blob) {
        if (blob)
                (void)atomic_fetch_add_explicit(&blob->n_refs, 1, memory_order_relaxed);
        return blob;
}

Blob *blob_unref(Blob *blob) {
        if (blob && atomic_fetch_sub_explicit(&blob->n_refs, 1, memory_order_acq_rel) == 1)
                free(blob);
        return NULL;
}
