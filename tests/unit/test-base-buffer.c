/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

static void test_maximum(void **state) {
        static const struct {
                size_t max, used, length;
                int expected;
        } rows[] = {
                {0, 0, 0, 0},       {0, 0, 1, BUFFER_E_FULL},
                {10, 0, 10, 0},     {10, 0, 11, BUFFER_E_FULL},
                {10, 4, 6, 0},      {10, 4, 7, BUFFER_E_FULL},
                {10, 10, 0, 0},     {10, 1, SIZE_MAX, BUFFER_E_FULL}, /* the sum wraps */
                {300, 200, 100, 0}, /* past the first allocation */
        };
        static const uint8_t bytes[512];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;

                buffer_init(&buffer, rows[i].max);
                assert_int_equal(buffer_append(&buffer, bytes, rows[i].used), 0);
                assert_int_equal(buffer_append(&buffer, bytes, rows[i].length), rows[i].expected);
                assert_int_equal(buffer_length(&buffer),
                                 rows[i].used + (rows[i].expected ? 0 : rows[i].length));
        }
}

/* Random appends and consumes against a plain array. */
static void test_is_a_queue(void **state) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        uint8_t model[1000], piece[400], next = 0;
        size_t length = 0;

        (void)state;
        srand(1);
        buffer_init(&buffer, sizeof(model));
        for (unsigned int i = 0; i < 20000; ++i) {
                size_t n = (size_t)rand() % sizeof(piece);
                int expected = length + n > sizeof(model) ? BUFFER_E_FULL : 0;

                for (size_t j = 0; j < n; ++j)
                        piece[j] = next++;
                assert_int_equal(buffer_append(&buffer, piece, n), expected);
                if (!expected) {
                        memcpy(model + length, piece, n);
                        length += n;
                }
                n = (size_t)rand() % (length + 1);
                buffer_consume(&buffer, n);
                memmove(model, model + n, length - n);
                length -= n;
                assert_int_equal(buffer_length(&buffer), length);
                if (length > 0)
                        assert_memory_equal(buffer_bytes(&buffer), model, length);
        }
        assert_true(buffer.capacity <= 1024);
}

static void test_reserve_adds_nothing(void **state) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        uint8_t *space = NULL;

        (void)state;
        buffer_init(&buffer, 16);
        assert_int_equal(buffer_reserve(&buffer, 16, &space), 0);
        assert_int_equal(buffer_length(&buffer), 0);
        memcpy(space, "abc", 3);
        buffer_commit(&buffer, 3);
        assert_memory_equal(buffer_bytes(&buffer), "abc", 3);
        buffer_clear(&buffer);
        assert_int_equal(buffer_length(&buffer), 0);
        assert_int_equal(buffer_append(&buffer, "0123456789abcdef", 16), 0);
}

static void test_steal(void **state) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        size_t length = 1;
        char *text;

        (void)state;
        buffer_init(&buffer, 256);
        text = buffer_steal(&buffer, &length);
        assert_string_equal(text, "");
        assert_int_equal(length, 0);
        free(text);
        for (unsigned int i = 0; i < 256;
             ++i) /* full to the brim: the NUL has a place of its own */
                assert_int_equal(buffer_append(&buffer, "x", 1), 0);
        buffer_consume(&buffer, 6);
        text = buffer_steal(&buffer, &length);
        assert_int_equal(length, 250);
        assert_int_equal(strlen(text), 250);
        free(text);
        assert_int_equal(buffer_append(&buffer, "again", 5), 0);
        assert_int_equal(buffer_length(&buffer), 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_maximum),
                cmocka_unit_test(test_is_a_queue),
                cmocka_unit_test(test_reserve_adds_nothing),
                cmocka_unit_test(test_steal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
