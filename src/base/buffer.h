#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Buffer: a growable byte buffer with a maximum given at birth
 *
 * Bytes are appended at the end and consumed at the front. It never grows past its maximum:
 * buffer_append() then answers BUFFER_E_FULL and the buffer is unchanged.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct Buffer Buffer;

enum {
        _BUFFER_E_SUCCESS,
        BUFFER_E_FULL, /* the append would pass the maximum */
};

struct Buffer {
        uint8_t *data;   /* the allocation */
        size_t start;    /* first byte not yet consumed */
        size_t end;      /* one past the last byte */
        size_t capacity; /* bytes allocated */
        size_t max;      /* bytes it may ever hold */
};

#define BUFFER_NULL                                                                                \
        (Buffer) {                                                                                 \
                .data = NULL                                                                       \
        }

void buffer_init(Buffer *buffer, size_t max);
void buffer_deinit(Buffer *buffer);
/* Drops the contents and keeps the allocation. */
void buffer_clear(Buffer *buffer);

/* Makes room for @length more bytes and returns where they go in @spacep; nothing is added until
 * buffer_commit(). Returns 0, BUFFER_E_FULL or -ENOMEM. */
int buffer_reserve(Buffer *buffer, size_t length, uint8_t **spacep);
void buffer_commit(Buffer *buffer, size_t length);
/* Returns 0, BUFFER_E_FULL or -ENOMEM. */
int buffer_append(Buffer *buffer, const void *bytes, size_t length);
void buffer_consume(Buffer *buffer, size_t length);
/* Gives the contents to the caller, NUL-terminated (the NUL is not counted); the buffer is left
 * empty and reusable. NULL on out of memory. Free with free(). */
char *buffer_steal(Buffer *buffer, size_t *lengthp);

static inline const uint8_t *buffer_bytes(const Buffer *buffer) {
        return buffer->data + buffer->start;
}

static inline size_t buffer_length(const Buffer *buffer) {
        return buffer->end - buffer->start;
}

static inline void buffer_deinitp(Buffer *buffer) {
        buffer_deinit(buffer);
}
