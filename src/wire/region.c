/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "wire/region.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS   1033
#define F_SEAL_SEAL   0x0001
#define F_SEAL_SHRINK 0x0002
#define F_SEAL_GROW   0x0004
#endif

int region_new(int *fdp, Failure *failure) {
        _cleanup_(closep) int fd = -1;

        fd = (int)syscall(SYS_memfd_create, "spr-run", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return failure_errno(
                        failure, FAILURE_STAGE_RESOURCES, errno, "cannot make a run's memory");
        if (ftruncate(fd, (off_t)REGION_SIZE) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return failure_errno(
                        failure, FAILURE_STAGE_RESOURCES, errno, "cannot size a run's memory");
        *fdp = take_fd(&fd);
        return 0;
}

/* Copies one piece into a ring of @size bytes, in at most two parts. */
static void region_copy_ring(
        uint8_t *ring, uint64_t size, uint64_t position, const uint8_t *bytes, size_t length) {
        uint64_t at;
        size_t first;

        if (length > size) { /* only the last @size bytes can survive */
                bytes += length - size;
                position += length - size;
                length = size;
        }
        at = position % size;
        first = min_size(length, size - at);
        memcpy(ring + at, bytes, first);
        if (first < length)
                memcpy(ring, bytes + first, length - first);
}

void region_append(
        void *mapping, RegionStream stream, uint64_t cap, const void *data, size_t length) {
        RegionHeader *header = mapping;
        uint8_t *head = (uint8_t *)mapping + region_stream_offset(stream);
        const uint8_t *bytes = data;
        uint64_t position;
        size_t n = 0;

        position = atomic_fetch_add_explicit(&header->totals[stream], length, memory_order_relaxed);
        if (position < cap) {
                n = min_size(length, cap - position);
                memcpy(head + position, bytes, n);
        }
        if (n < length)
                region_copy_ring(head + cap,
                                 REGION_TAIL_BYTES,
                                 position + n - cap,
                                 bytes + n,
                                 length - n);
}
