/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json-text.h"
#include "base/json-write.h"
#include "corpus.h"

static void assert_buffer(Buffer *buffer, const char *expected) {
        assert_int_equal(buffer_length(buffer), strlen(expected));
        assert_memory_equal(buffer_bytes(buffer), expected, strlen(expected));
}

static void test_string(void **state) {
        static const struct {
                const char *text;
                size_t length;
                const char *expected;
        } rows[] = {
                {"", 0, "\"\""},
                {"plain", 5, "\"plain\""},
                {"\"\\\b\f\n\r\t/", 8, "\"\\\"\\\\\\b\\f\\n\\r\\t/\""},
                {"a\0b\x1f\x7f", 5, "\"a\\u0000b\\u001f\x7f\""},
                {"\xe2\x82\xac", 3, "\"\xe2\x82\xac\""},
                {"\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
                {"a\xff", 2, "\"a\xef\xbf\xbd\""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;

                buffer_init(&buffer, 64);
                assert_int_equal(json_write_string(&buffer, rows[i].text, rows[i].length), 0);
                assert_buffer(&buffer, rows[i].expected);
        }
}

static void test_string_full(void **state) {
        (void)state;
        for (size_t max = 0; max < 8; ++max) {
                _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;

                buffer_init(&buffer, max);
                assert_int_equal(json_write_string(&buffer, "ab\n\xff", 4), BUFFER_E_FULL);
                assert_true(buffer_length(&buffer) <= max);
        }
}

static void test_compact(void **state) {
        static const struct {
                const char *json, *expected;
        } rows[] = {
                {"1", "1"},
                {" [ 1 ,\r\n\t2 ] \n", "[1,2]"},
                {"{ \"a b\\\" c\" : \" \\\\\" , \"d\" : { } }",
                 "{\"a b\\\" c\":\" \\\\\",\"d\":{}}"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;

                buffer_init(&buffer, strlen(rows[i].json));
                assert_int_equal(json_write_compact(&buffer, rows[i].json, strlen(rows[i].json)),
                                 0);
                assert_buffer(&buffer, rows[i].expected);
        }
}

static void test_finite(void **state) {
        static const struct {
                const char *json, *expected;
                bool lossy;
        } rows[] = {
                {"NaN", "null", true},
                {"-Infinity", "null", true},
                {"[Infinity,NaN , -Infinity,-1]", "[null,null , null,-1]", true},
                {"{\"NaN\":\"-Infinity\"}", "{\"NaN\":\"-Infinity\"}", false},
                {"{\"a\\\"NaN\":NaN}", "{\"a\\\"NaN\":null}", true},
                {"[1e5,-2,null]", "[1e5,-2,null]", false},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
                bool lossy = !rows[i].lossy;

                buffer_init(&buffer, 64);
                assert_int_equal(
                        json_write_finite(&buffer, rows[i].json, strlen(rows[i].json), &lossy), 0);
                assert_buffer(&buffer, rows[i].expected);
                assert_int_equal(lossy, rows[i].lossy);
        }
}

/* What is copied from well-formed text is well-formed. */
static void check_copies(const char *name, const char *text, size_t length, bool wanted) {
        _cleanup_(buffer_deinitp) Buffer compact = BUFFER_NULL, finite = BUFFER_NULL;
        bool lossy;

        if (!wanted)
                return;
        buffer_init(&compact, length);
        buffer_init(&finite, 2 * length);
        assert_int_equal(json_write_compact(&compact, text, length), 0);
        assert_int_equal(json_write_finite(&finite, text, length, &lossy), 0);
        assert_int_equal(lossy, strstr(name, "nan") || strstr(name, "infinity") ||
                                        strstr(name, "y_nonfinite"));
        assert_int_equal(json_text_check((const char *)buffer_bytes(&compact),
                                         buffer_length(&compact), 64, NULL),
                         0);
        assert_int_equal(json_text_check((const char *)buffer_bytes(&finite),
                                         buffer_length(&finite), 64, NULL),
                         0);
}

static void test_corpus(void **state) {
        (void)state;
        corpus_each("json", 70, check_copies);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_string),  cmocka_unit_test(test_string_full),
                cmocka_unit_test(test_compact), cmocka_unit_test(test_finite),
                cmocka_unit_test(test_corpus),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
