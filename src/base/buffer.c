/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

void buffer_init(Buffer *buffer, size_t max) {
        *buffer = (Buffer){.max = max};
}

void buffer_deinit(Buffer *buffer) {
        free(buffer->data);
        *buffer = BUFFER_NULL;
}

void buffer_clear(Buffer *buffer) {
        buffer->start = 0;
        buffer->end = 0;
}

static void buffer_compact(Buffer *buffer) {
        size_t length = buffer_length(buffer);

        if (buffer->start == 0)
                return;
        if (length > 0)
                memmove(buffer->data, buffer->data + buffer->start, length);
        buffer->start = 0;
        buffer->end = length;
}

static int buffer_grow(Buffer *buffer, size_t needed) {
        size_t capacity = buffer->capacity ? buffer->capacity : 256;
        uint8_t *data;

        while (capacity < needed)
                capacity *= 2;
        /* one spare byte lets buffer_steal() terminate the contents in place */
        data = realloc(buffer->data, capacity + 1);
        if (!data)
                return -ENOMEM;
        buffer->data = data;
        buffer->capacity = capacity;
        return 0;
}

int buffer_reserve(Buffer *buffer, size_t length, uint8_t **spacep) {
        size_t used = buffer_length(buffer);
        int r;

        if (length > buffer->max || used > buffer->max - length)
                return BUFFER_E_FULL;
        if (!buffer->data || buffer->end + length > buffer->capacity) {
                if (buffer->data)
                        buffer_compact(buffer);
                if (!buffer->data || used + length > buffer->capacity) {
                        r = buffer_grow(buffer, used + length);
                        if (r)
                                return r;
                }
        }
        *spacep = buffer->data + buffer->end;
        return 0;
}

void buffer_commit(Buffer *buffer, size_t length) {
        assert(buffer->end + length <= buffer->capacity);
        buffer->end += length;
}

int buffer_append(Buffer *buffer, const void *bytes, size_t length) {
        uint8_t *space;
        int r;

        r = buffer_reserve(buffer, length, &space);
        if (r)
                return r;
        if (length > 0)
                memcpy(space, bytes, length);
        buffer_commit(buffer, length);
        return 0;
}

void buffer_consume(Buffer *buffer, size_t length) {
        assert(length <= buffer_length(buffer));
        buffer->start += length;
        if (buffer->start == buffer->end)
                buffer_clear(buffer);
}

char *buffer_steal(Buffer *buffer, size_t *lengthp) {
        size_t length = buffer_length(buffer);
        char *stolen;

        if (!buffer->data && buffer_grow(buffer, 1))
                return NULL;
        buffer_compact(buffer);
        stolen = (char *)take_ptr(&buffer->data);
        stolen[length] = '\0';
        buffer->capacity = 0;
        buffer_clear(buffer);
        *lengthp = length;
        return stolen;
}
