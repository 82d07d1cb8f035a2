/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/failure.h"
#include "base/fd.h"
#include "wire/region.h"

static RegionFile region;
static void *mapping;

static int open_region(void **state) {
        Failure failure;

        (void)state;
        if (region_file_new(&region, &failure))
                return -1;
        mapping = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                       region.fd, 0);
        return mapping == MAP_FAILED ? -1 : 0;
}

static int close_region(void **state) {
        (void)state;
        (void)munmap(mapping, REGION_SIZE);
        region_file_deinit(&region);
        region_file_deinit(&region); /* a dead one is accepted */
        return 0;
}

static size_t read_slices(uint8_t *into, const RegionSlice *slices, size_t n) {
        size_t length = 0;

        for (size_t i = 0; i < n; ++i) {
                assert_int_equal(
                        fd_pread_all(region.fd, into + length, slices[i].length, slices[i].offset),
                        0);
                length += slices[i].length;
        }
        return length;
}

/* Byte number n of a stream is this, so that a byte in a wrong place shows. */
static uint8_t byte_at(uint64_t n) {
        return (uint8_t)(n * 31 + n / 251);
}

/* Head and tail are what a model that keeps everything would cut out of the stream. */
static void check_stream(RegionStream stream, uint64_t cap, uint64_t written) {
        static uint8_t bytes[2 * 1024 * 1024];
        uint64_t head = written < cap ? written : cap, beyond = written - head;
        uint64_t kept = beyond < REGION_TAIL_BYTES ? beyond : REGION_TAIL_BYTES;
        uint64_t total = region_file_total(&region, stream);
        RegionSlice slices[2];
        size_t length;

        assert_int_equal(total, written);
        slices[0] = region_head(stream, cap, total);
        length = read_slices(bytes, slices, 1);
        assert_int_equal(length, head);
        for (size_t i = 0; i < length; ++i)
                assert_int_equal(bytes[i], byte_at(i));
        length = read_slices(bytes, slices, region_tail(stream, cap, total, slices));
        assert_int_equal(length, kept);
        for (size_t i = 0; i < length; ++i)
                assert_int_equal(bytes[i], byte_at(written - kept + i));
}

static void append(RegionStream stream, uint64_t cap, uint64_t at, size_t length, bool by_worker) {
        static uint8_t bytes[100000];

        for (size_t i = 0; i < length; ++i)
                bytes[i] = byte_at(at + i);
        if (by_worker)
                region_append(mapping, stream, cap, bytes, length);
        else
                assert_int_equal(region_file_append(&region, stream, cap, bytes, length), 0);
}

/* Random appends by both writers in turn, to both streams. */
static void test_random_appends(void **state) {
        static const uint64_t caps[] = {0, 1, 100, 4096, REGION_TAIL_BYTES, 200000};

        (void)state;
        srand(1);
        for (unsigned int i = 0; i < ARRAY_SIZE(caps) * 40; ++i) {
                static uint64_t written[_REGION_STREAM_N];
                unsigned int stream = (unsigned int)rand() % 2;
                /* most are small, some larger than the tail */
                size_t length = (size_t)rand() % (rand() % 4 ? 300 : 50000);
                uint64_t cap = caps[i / 40];

                if (i % 40 == 0)
                        for (unsigned int s = 0; s < _REGION_STREAM_N; ++s) {
                                atomic_store(&region.header->totals[s], 0);
                                written[s] = 0;
                        }
                append((RegionStream)stream, cap, written[stream], length, rand() % 2);
                written[stream] += length;
                check_stream((RegionStream)stream, cap, written[stream]);
                check_stream((RegionStream)!stream, cap, written[!stream]);
        }
}

/* Lengths that end on, before and after each seam. */
static void test_seams(void **state) {
        static const uint64_t totals[] = {
                0,
                99,
                100,
                101,
                100 + REGION_TAIL_BYTES - 1,
                100 + REGION_TAIL_BYTES,
                100 + REGION_TAIL_BYTES + 1,
                100 + 2 * REGION_TAIL_BYTES,
                90000,
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(totals) * 2; ++i) {
                atomic_store(&region.header->totals[REGION_STDOUT], 0);
                append(REGION_STDOUT, 100, 0, totals[i / 2], i % 2);
                check_stream(REGION_STDOUT, 100, totals[i / 2]);
        }
}

/* The counter is the code's to scribble on: what is delivered stays inside the stream's area, and
 * the agent's own appends do too. */
static void test_bogus_totals(void **state) {
        static const uint64_t totals[] = {
                UINT64_MAX,         UINT64_MAX - 1, UINT64_MAX / 2,
                UINT64_MAX / 2 + 1, REGION_SIZE,    REGION_OUTPUT_MAX + REGION_TAIL_BYTES + 1,
        };
        static const uint64_t caps[] = {0, 100, REGION_OUTPUT_MAX};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(totals) * ARRAY_SIZE(caps) * 2; ++i) {
                uint64_t total = totals[i / 6], cap = caps[i / 2 % 3], seen, end;
                RegionStream stream = (RegionStream)(i % 2);
                RegionSlice slices[3];
                size_t n;

                atomic_store(&region.header->totals[stream], total);
                assert_int_equal(region_file_append(&region, stream, cap, "abc", 3), 0);
                atomic_store(&region.header->totals[stream], total);
                region_append(mapping, stream, cap, "abc", 3);
                seen = region_file_total(&region, stream);
                assert_true(seen <= UINT64_MAX / 2);
                slices[0] = region_head(stream, cap, seen);
                n = 1 + region_tail(stream, cap, seen, slices + 1);
                end = region_stream_offset(stream) + cap + REGION_TAIL_BYTES;
                for (size_t j = 0; j < n; ++j) {
                        assert_true(slices[j].offset >= region_stream_offset(stream));
                        assert_true(slices[j].offset + slices[j].length <= end);
                }
        }
}

static void test_areas_do_not_overlap(void **state) {
        static const RegionSlice areas[] = {
                {0, sizeof(RegionHeader)},
                {REGION_REQUEST_OFFSET,
                 REGION_CODE_MAX + REGION_INPUT_MAX + REGION_POLICY_MAX + REGION_NAME_MAX},
                {REGION_STDOUT_OFFSET, REGION_OUTPUT_MAX + REGION_TAIL_BYTES},
                {REGION_STDERR_OFFSET, REGION_OUTPUT_MAX + REGION_TAIL_BYTES},
                {REGION_ERROR_OFFSET, REGION_ERROR_MAX},
                {REGION_RESULT_OFFSET, REGION_RESULT_MAX},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(areas); ++i) {
                assert_true(areas[i].offset + areas[i].length <= REGION_SIZE);
                for (size_t j = 0; j < i; ++j)
                        assert_true(areas[i].offset + areas[i].length <= areas[j].offset ||
                                    areas[j].offset + areas[j].length <= areas[i].offset);
        }
}

static void test_size_is_sealed(void **state) {
        (void)state;
        assert_int_equal(fcntl(region.fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(lseek(region.fd, 0, SEEK_END), REGION_SIZE);
        assert_int_equal(ftruncate(region.fd, 0), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(ftruncate(region.fd, (off_t)REGION_SIZE + 1), -1);
        assert_int_equal(pwrite(region.fd, "x", 1, (off_t)REGION_SIZE), -1);
        assert_int_equal(fcntl(region.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_random_appends, open_region, close_region),
                cmocka_unit_test_setup_teardown(test_seams, open_region, close_region),
                cmocka_unit_test_setup_teardown(test_bogus_totals, open_region, close_region),
                cmocka_unit_test(test_areas_do_not_overlap),
                cmocka_unit_test_setup_teardown(test_size_is_sealed, open_region, close_region),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
