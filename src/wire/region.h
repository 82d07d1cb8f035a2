#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Region: the memory one run shares with the agent
 *
 * A sealed sparse memfd of fixed size, made by the agent per run. The agent writes the request into
 * it; the worker writes what it prints, its error and its result. Nothing of it lives in the
 * agent's heap, so neither a large request nor a slow reader makes the agent grow, and what the
 * code printed is there however the run ended.
 *
 * A stream (stdout, stderr) is one ever-growing counter and two areas: byte number n of the stream
 * lies at n in the head while n < cap, and at (n - cap) % REGION_TAIL_BYTES in the tail after that.
 * So the first cap bytes and the last REGION_TAIL_BYTES are kept, and a writer never waits. A
 * writer reserves with an atomic add and then copies, which also serves forked children.
 *
 * Everything in a region is hostile input to the agent: it reads with pread(2), bounded, and the
 * seals keep the worker from shrinking the file.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct RegionFile RegionFile;
typedef struct RegionHeader RegionHeader;
typedef struct RegionSlice RegionSlice;
typedef struct Failure Failure;

#define REGION_MIB        UINT64_C(1048576)
#define REGION_CODE_MAX   (16 * REGION_MIB)
#define REGION_INPUT_MAX  (96 * REGION_MIB)
#define REGION_POLICY_MAX (8 * REGION_MIB)
#define REGION_NAME_MAX   UINT64_C(4096)
#define REGION_OUTPUT_MAX (64 * REGION_MIB) /* of a stream's head */
#define REGION_TAIL_BYTES UINT64_C(16384)
#define REGION_ERROR_MAX  UINT64_C(65536)
#define REGION_RESULT_MAX (64 * REGION_MIB)

/* Offsets of the areas; the first page is the RegionHeader. What the worker writes with pwrite(2)
 * comes first, since RLIMIT_FSIZE of a run holds for that, too. */
#define REGION_HEADER_BYTES   UINT64_C(4096)
#define REGION_RESULT_OFFSET  REGION_HEADER_BYTES
#define REGION_ERROR_OFFSET   (REGION_RESULT_OFFSET + REGION_RESULT_MAX)
#define REGION_REQUEST_OFFSET (REGION_ERROR_OFFSET + REGION_MIB)
#define REGION_STDOUT_OFFSET  (REGION_REQUEST_OFFSET + 128 * REGION_MIB)
#define REGION_STDERR_OFFSET  (REGION_STDOUT_OFFSET + 65 * REGION_MIB)
#define REGION_SIZE           (REGION_STDERR_OFFSET + 65 * REGION_MIB)

typedef enum RegionStream {
        REGION_STDOUT,
        REGION_STDERR,
        _REGION_STREAM_N,
} RegionStream;

struct RegionHeader {
        _Atomic uint64_t totals[_REGION_STREAM_N]; /* bytes ever written to each stream */
};

static_assert(REGION_CODE_MAX + REGION_INPUT_MAX + REGION_POLICY_MAX + REGION_NAME_MAX <=
                      128 * REGION_MIB,
              "the request fits its area");

/* The agent's side of a region. Only the first page is mapped, for the counters: a write through a
 * mapping would end the agent where memory is short, a pwrite(2) fails in peace. */
struct RegionFile {
        int fd;
        RegionHeader *header;
};

#define REGION_FILE_NULL                                                                           \
        (RegionFile) {                                                                             \
                .fd = -1                                                                           \
        }

/* A piece of a region that is to be delivered. */
struct RegionSlice {
        uint64_t offset, length;
};

/* Makes a memfd, close-on-exec, of REGION_SIZE bytes, sealed against any change of its size. */
int region_file_new(RegionFile *region, Failure *failure);
void region_file_deinit(RegionFile *region);
/* As region_append(), for the agent. 0 or -errno. */
int region_file_append(
        RegionFile *region, RegionStream stream, uint64_t cap, const void *bytes, size_t length);
/* As if nothing had been written to the streams. */
void region_file_forget(RegionFile *region);
/* Bytes ever written, as far as the counter can be believed. */
uint64_t region_file_total(const RegionFile *region, RegionStream stream);
/* What is kept of a stream: the head, and the tail in order, in up to two slices. */
RegionSlice region_head(RegionStream stream, uint64_t cap, uint64_t total);
size_t region_tail(RegionStream stream, uint64_t cap, uint64_t total, RegionSlice slices[2]);

static inline uint64_t region_stream_offset(RegionStream stream) {
        return stream == REGION_STDOUT ? REGION_STDOUT_OFFSET : REGION_STDERR_OFFSET;
}

/* Worker: as if nothing had been written to the streams of the mapped region, within their caps. */
void region_forget(void *mapping);

/* Worker: appends @length bytes to a stream of the mapped region. Never waits, never fails. */
void region_append(
        void *mapping, RegionStream stream, uint64_t cap, const void *bytes, size_t length);
