/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "client/blob.h"

static void test_bytes(void **state) {
        Blob *blob, *empty;

        (void)state;
        assert_int_equal(blob_new(&blob, "a\0b", 3), 0);
        assert_int_equal(blob_new(&empty, NULL, 0), 0);
        assert_memory_equal(blob->bytes, "a\0b\0", 4);
        assert_int_equal(blob_size(blob), 3);
        assert_int_equal(blob_size(empty), 0);
        assert_int_equal(blob_size(NULL), 0);
        assert_null(blob_unref(blob));
        assert_null(blob_unref(empty));
}

static void test_references(void **state) {
        Blob *blob;

        (void)state;
        assert_int_equal(blob_new(&blob, "x", 1), 0);
        assert_ptr_equal(blob_ref(blob), blob);
        assert_null(blob_unref(blob));
        assert_int_equal(blob->bytes[0], 'x');
        assert_null(blob_unref(blob));
        assert_null(blob_ref(NULL));
        assert_null(blob_unref(NULL));
}

static void test_absurd_size(void **state) {
        Blob *blob;

        (void)state;
        assert_int_equal(blob_new(&blob, "x", SIZE_MAX), -ENOMEM);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_references),
                cmocka_unit_test(test_absurd_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
