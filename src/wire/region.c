/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
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

int region_file_new(RegionFile *region, Failure *failure) {
        _cleanup_(closep) int fd = -1;
        void *header;

        fd = (int)syscall(SYS_memfd_create, "spr-run", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a run's memory");
        if (ftruncate(fd, (off_t)REGION_SIZE) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot size a run's memory");
        header = mmap(NULL, REGION_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                      fd, 0);
        if (header == MAP_FAILED)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot map a run's memory");
        *region = (RegionFile){.fd = take_fd(&fd), .header = header};
        return 0;
}

void region_file_deinit(RegionFile *region) {
        if (region->header)
                (void)munmap(region->header, REGION_HEADER_BYTES);
        (void)fd_close(region->fd);
        *region = REGION_FILE_NULL;
}

/* A stream's counter is the code's to scribble on: half the range is more than any run writes, and
 * keeps sums from wrapping. */
uint64_t region_file_total(const RegionFile *region, RegionStream stream) {
        return atomic_load_explicit(&region->header->totals[stream], memory_order_relaxed) &
               (UINT64_MAX >> 1);
}

RegionSlice region_head(RegionStream stream, uint64_t cap, uint64_t total) {
        return (RegionSlice){region_stream_offset(stream), total < cap ? total : cap};
}

size_t region_tail(RegionStream stream, uint64_t cap, uint64_t total, RegionSlice slices[2]) {
        uint64_t ring = region_stream_offset(stream) + cap;
        uint64_t beyond, at;

        if (total <= cap)
                return 0;
        beyond = total - cap;
        if (beyond <= REGION_TAIL_BYTES) {
                slices[0] = (RegionSlice){ring, beyond};
                return 1;
        }
        at = beyond % REGION_TAIL_BYTES;
        slices[0] = (RegionSlice){ring + at, REGION_TAIL_BYTES - at};
        slices[1] = (RegionSlice){ring, at};
        return at ? 2 : 1;
}

static int region_file_write_ring(
        int fd, uint64_t ring, uint64_t position, const uint8_t *bytes, size_t length) {
        uint64_t at;
        size_t first;
        int r;

        if (length > REGION_TAIL_BYTES) {
                bytes += length - REGION_TAIL_BYTES;
                position += length - REGION_TAIL_BYTES;
                length = REGION_TAIL_BYTES;
        }
        at = position % REGION_TAIL_BYTES;
        first = min_size(length, REGION_TAIL_BYTES - at);
        r = fd_pwrite_all(fd, bytes, first, ring + at);
        if (r || first == length)
                return r;
        return fd_pwrite_all(fd, bytes + first, length - first, ring);
}

int region_file_append(
        RegionFile *region, RegionStream stream, uint64_t cap, const void *data, size_t length) {
        uint64_t head = region_stream_offset(stream), position;
        const uint8_t *bytes = data;
        size_t n = 0;
        int r;

        position = atomic_fetch_add_explicit(&region->header->totals[stream], length,
                                             memory_order_relaxed) &
                   (UINT64_MAX >> 1);
        if (position < cap) {
                n = min_size(length, cap - position);
                r = fd_pwrite_all(region->fd, bytes, n, head + position);
                if (r)
                        return r;
        }
        if (n == length)
                return 0;
        return region_file_write_ring(region->fd, head + cap, position + n - cap, bytes + n,
                                      length - n);
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

static void region_header_forget(RegionHeader *header) {
        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                atomic_store_explicit(&header->totals[i], 0, memory_order_relaxed);
}

void region_file_forget(RegionFile *region) {
        region_header_forget(region->header);
}

void region_forget(void *mapping) {
        RegionHeader *header = mapping;

        for (RegionStream stream = 0; stream < _REGION_STREAM_N; ++stream) {
                uint64_t total =
                        atomic_load_explicit(&header->totals[stream], memory_order_relaxed);

                memset((uint8_t *)mapping + region_stream_offset(stream), 0,
                       min_u64(total, REGION_OUTPUT_MAX));
        }
        region_header_forget(header);
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
                region_copy_ring(head + cap, REGION_TAIL_BYTES, position + n - cap, bytes + n,
                                 length - n);
}
