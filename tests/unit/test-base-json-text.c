/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json-text.h"
#include "corpus.h"

static void check_corpus_file(const char *name, const char *text, size_t length, bool wanted) {
        JsonTextFault fault = {SIZE_MAX, NULL};
        int r = json_text_check(text, length, 64, &fault);

        if (wanted != (r == 0))
                fail_msg("%s: %s at %zu", name, fault.reason ? fault.reason : "accepted",
                         fault.offset);
        if (r) {
                assert_non_null(fault.reason);
                assert_true(fault.offset <= length);
        }
}

static void test_corpus(void **state) {
        (void)state;
        corpus_each("json", 70, check_corpus_file);
}

static void test_faults(void **state) {
        static const struct {
                const char *text;
                size_t offset;
                const char *reason;
        } rows[] = {
                {"", 0, "expected a value"},
                {" x", 1, "expected a value"},
                {"[1,", 3, "the text ends too early"},
                {"[1,]", 3, "expected a value"},
                {"[1 2]", 3, "expected ',' or ']'"},
                {"{\"a\":1;", 6, "expected ',' or '}'"},
                {"{a:1}", 1, "expected a key in double quotes"},
                {"{\"a\"=1}", 4, "expected ':' after the key"},
                {"1 1", 2, "text after the value"},
                {"\"abcdefghijkl", 13, "the string does not end"},
                {"\"abcdefghi\tkl\"", 10, "control character in a string"},
                {"\"abcdefghi\xffkl\"", 10, "not UTF-8"},
                {"\"\\q\"", 1, "unknown escape in a string"},
                {"\"\\u00", 1, "expected four hexadecimal digits"},
                {"-", 1, "expected a digit"},
                {"1.e", 2, "expected a digit after the point"},
                {"1e+", 3, "expected a digit in the exponent"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                JsonTextFault fault = {SIZE_MAX, NULL};

                assert_int_equal(json_text_check(rows[i].text, strlen(rows[i].text), 8, &fault),
                                 JSON_TEXT_E_INVALID);
                assert_string_equal(fault.reason, rows[i].reason);
                assert_int_equal(fault.offset, rows[i].offset);
        }
        assert_int_equal(json_text_check(NULL, 0, 8, NULL), JSON_TEXT_E_INVALID);
}

/* Every byte at every place of a string, so that the scan by words has no blind spot. */
static void test_every_byte_in_a_string(void **state) {
        (void)state;
        for (unsigned int c = 0; c < 256; ++c)
                for (size_t at = 1; at < 19; ++at) {
                        char text[20];
                        bool good = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

                        memset(text, 'x', sizeof(text));
                        text[0] = text[19] = '"';
                        text[at] = (char)c;
                        if (c == '\\' && at == 18)
                                continue;
                        assert_int_equal(json_text_check(text, 20, 0, NULL) == 0, good);
                }
}

static void test_depth(void **state) {
        static char text[200002];
        JsonTextFault fault;

        (void)state;
        assert_int_equal(json_text_check("1", 1, 0, NULL), 0);
        assert_int_equal(json_text_check("[]", 2, 0, &fault), JSON_TEXT_E_DEPTH);
        assert_string_equal(fault.reason, "nested too deeply");
        assert_int_equal(json_text_check("[{\"a\":1}]", 9, 2, NULL), 0);
        assert_int_equal(json_text_check("[{\"a\":1}]", 9, 1, NULL), JSON_TEXT_E_DEPTH);
        memset(text, '[', 100000);
        memset(text + 100000, ']', 100000);
        assert_int_equal(json_text_check(text, 200000, UINT32_MAX, &fault), JSON_TEXT_E_DEPTH);
        assert_int_equal(fault.offset, JSON_TEXT_DEPTH_MAX);
        assert_int_equal(json_text_check(text + 100000 - JSON_TEXT_DEPTH_MAX,
                                         2 * JSON_TEXT_DEPTH_MAX, JSON_TEXT_DEPTH_MAX, NULL),
                         0);
        /* siblings do not add up, and a reused bit is not remembered */
        assert_int_equal(json_text_check("[[],{},[],{\"a\":[]},[{}]]", 24, 3, NULL), 0);
}

static void test_line(void **state) {
        (void)state;
        assert_int_equal(json_text_line("a\nb\nc", 0), 1);
        assert_int_equal(json_text_line("a\nb\nc", 1), 1);
        assert_int_equal(json_text_line("a\nb\nc", 2), 2);
        assert_int_equal(json_text_line("a\nb\nc", 5), 3);
}

static void test_kind(void **state) {
        static const struct {
                const char *text;
                JsonTextKind kind;
        } rows[] = {
                {" {}", JSON_TEXT_OBJECT},   {"\n[]", JSON_TEXT_ARRAY},
                {"\"\"", JSON_TEXT_STRING},  {"-1", JSON_TEXT_NUMBER},
                {"NaN", JSON_TEXT_NUMBER},   {"-Infinity", JSON_TEXT_NUMBER},
                {"true", JSON_TEXT_BOOLEAN}, {"false", JSON_TEXT_BOOLEAN},
                {"null", JSON_TEXT_NULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_int_equal(json_text_kind(rows[i].text, strlen(rows[i].text)), rows[i].kind);
}

/* "key=value|" for each item. */
static void test_walk(void **state) {
        static const struct {
                const char *text, *expected;
        } rows[] = {
                {"[]", ""},
                {" [ ] ", ""},
                {" { } ", ""},
                {"[1,\"a,]\\\"\" , [2,[3]],{\"b\":4}]", "=1|=\"a,]\\\"\"|=[2,[3]]|={\"b\":4}|"},
                {"[[1],[2]]", "=[1]|=[2]|"},
                {"[{\"a\":1}]", "={\"a\":1}|"},
                {" {\"a\" : {\"}\":\"{\"} ,\n\"\\\"b\":null , \"\":-Infinity}",
                 "a={\"}\":\"{\"}|\\\"b=null|=-Infinity|"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                JsonTextWalk walk;
                JsonTextItem item;
                char seen[128] = "";
                size_t n = 0;

                assert_int_equal(json_text_check(rows[i].text, strlen(rows[i].text), 8, NULL), 0);
                json_text_walk(&walk, rows[i].text, strlen(rows[i].text));
                while (json_text_next(&walk, &item))
                        n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%.*s=%.*s|",
                                              (int)item.key.length, item.key.start,
                                              (int)item.value.length, item.value.start);
                assert_string_equal(seen, rows[i].expected);
                assert_false(json_text_next(&walk, &item));
        }
}

static void test_unescape(void **state) {
        static const struct {
                const char *raw;
                size_t room;
                int r;
                const char *expected;
        } rows[] = {
                {"", 0, 0, ""},
                {"abc", 3, 0, "abc"},
                {"abc", 2, JSON_TEXT_E_ROOM, ""},
                {"\\\"\\\\\\/\\b\\f\\n\\r\\t", 8, 0, "\"\\/\b\f\n\r\t"},
                {"\\u0041\\u00e9\\u20AC", 6, 0, "A\xc3\xa9\xe2\x82\xac"},
                {"\\u20ac", 2, JSON_TEXT_E_ROOM, ""},
                {"\\ud83d\\ude00!", 5, 0, "\xf0\x9f\x98\x80!"},
                {"\\ud83d", 8, JSON_TEXT_E_INVALID, ""},
                {"\\ude00", 8, JSON_TEXT_E_INVALID, ""},
                {"\\ud83d\\u0041", 8, JSON_TEXT_E_INVALID, ""},
                {"\\ud83d\\n12345", 8, JSON_TEXT_E_INVALID, ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                JsonTextSlice raw = {rows[i].raw, strlen(rows[i].raw)};
                char out[16];
                size_t length = 0;

                assert_int_equal(json_text_unescape(&raw, out, rows[i].room, &length), rows[i].r);
                assert_int_equal(length, strlen(rows[i].expected));
                assert_memory_equal(out, rows[i].expected, length);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_corpus),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_every_byte_in_a_string),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_kind),
                cmocka_unit_test(test_walk),
                cmocka_unit_test(test_unescape),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
