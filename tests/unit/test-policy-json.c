/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failure.h"
#include "policy/json.h"

static void read_text(Document *document, const char *text) {
        Failure failure = FAILURE_NULL;

        if (json_read(document, text, strlen(text), "p", &failure))
                fail_msg("%s", failure.text);
}

static void test_values(void **state) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        static const struct {
                const char *key;
                ValueType type;
                const char *text;
                int64_t integer;
                double real;
        } rows[] = {
                {"s", VALUE_STRING, "a\"\xc3\xa9", 0, 0},
                {"i", VALUE_INTEGER, "-3", -3, -3},
                {"big", VALUE_INTEGER, "1234567890123456789012345", INT64_MAX,
                 1.234567890123456789e24},
                {"neg", VALUE_INTEGER, "-99999999999999999999", INT64_MIN, -1e20},
                {"r", VALUE_REAL, "2.50", 0, 2.5},
                {"e", VALUE_REAL, "1E2", 0, 100},
                {"inf", VALUE_REAL, "-Infinity", 0, -__builtin_inf()},
                {"over", VALUE_REAL, "1e999", 0, __builtin_inf()},
                {"n", VALUE_NULL, NULL, 0, 0},
                {"t", VALUE_BOOLEAN, NULL, 1, 0},
                {"l", VALUE_LIST, NULL, 0, 0},
                {"o", VALUE_OBJECT, "{\"a b\":[],\"\\u0063\":NaN}", 0, 0},
        };

        (void)state;
        read_text(
                &document,
                " {\n\"s\": \"a\\\"\\u00e9\",\n\"i\": -3,\n\"big\": 1234567890123456789012345,\n"
                "\"neg\": -99999999999999999999,\n\"r\": 2.50,\n\"e\": 1E2,\n\"inf\": -Infinity,\n"
                "\"over\": 1e999,\n\"n\": null,\n\"t\": true,\n\"\\u006c\": [\"x\",\n3, {}],\n"
                "\"o\": {\"a b\": [],\n \"\\u0063\" : NaN }}\n");
        assert_int_equal(document.policy_line, 0);
        assert_int_equal(document.n_entries, ARRAY_SIZE(rows));
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const Entry *entry = &document.entries[i];

                assert_string_equal(entry->key, rows[i].key);
                assert_int_equal(entry->value.type, rows[i].type);
                assert_int_equal(entry->value.line, i + 2 + (i > 10));
                assert_int_equal(entry->value.integer, rows[i].integer);
                assert_true(entry->value.real == rows[i].real);
                if (rows[i].text)
                        assert_string_equal(entry->value.text, rows[i].text);
        }
        assert_int_equal(document.entries[10].n_items, 3);
        assert_string_equal(document.entries[10].items[0].text, "x");
        assert_int_equal(document.entries[10].items[1].line, 13);
        assert_int_equal(document.entries[10].items[2].type, VALUE_OBJECT);
        assert_int_equal(document.entries[11].n_items, 2);
        assert_string_equal(document.entries[11].items[1].text, "c");
        assert_int_equal(document.entries[11].items[1].line, 15);
}

static void test_nan(void **state) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;

        (void)state;
        read_text(&document, "{\"a\": NaN}");
        assert_int_equal(document.entries[0].value.type, VALUE_REAL);
        assert_true(document.entries[0].value.real != document.entries[0].value.real);
}

static void test_policy_table(void **state) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;

        (void)state;
        read_text(&document,
                  "{\"z\": 1,\n\"policy\": {\"a\":\n2, \"policy\": {}},\n\"policy2\": 3}");
        assert_int_equal(document.policy_line, 2);
        assert_int_equal(document.n_entries, 4);
        for (size_t i = 0; i < 4; ++i)
                assert_int_equal(document.entries[i].nested, i == 1 || i == 2);
        assert_string_equal(document.entries[2].key, "policy");
        assert_int_equal(document.entries[3].value.line, 4);
}

static void test_faults(void **state) {
        static const struct {
                const char *text, *words;
        } rows[] = {
                {"", "p:1: expected a value"},
                {"\n\n{\"a\": 1,}", "p:3: expected a key in double quotes"},
                {"[]", "p:1: expected an object"},
                {"3", "p:1: expected an object"},
                {"{\"policy\": {},\n\"policy\": {}}",
                 "p:2: 'policy' is set twice, first in line 1"},
                {"{\n\"a\": \"\\ud800\"}", "p:2: invalid Unicode"},
                {"{\n\"\\udc00\": 1}", "p:2: invalid Unicode"},
                {"{\n\"a\": [1,\n\"\\ud800\"]}", "p:3: invalid Unicode"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                Document document = DOCUMENT_NULL;
                Failure failure = FAILURE_NULL;

                assert_int_equal(
                        json_read(&document, rows[i].text, strlen(rows[i].text), "p", &failure),
                        -EINVAL);
                assert_int_equal(document.n_entries, 0);
                if (!strstr(failure.text, rows[i].words))
                        fail_msg("'%s' lacks '%s'", failure.text, rows[i].words);
        }
}

static void test_object(void **state) {
        static const char text[] = "\n { \"a\" : [ 1 ] ,\n \"b\\u0063\" : {} } ";
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(json_read_object(&document, "k", text, strlen(text), &failure), 0);
        assert_int_equal(document.n_entries, 1);
        assert_string_equal(document.entries[0].key, "k");
        assert_string_equal(document.entries[0].value.text, "{\"a\":[1],\"b\\u0063\":{}}");
        assert_int_equal(document.entries[0].n_items, 2);
        assert_string_equal(document.entries[0].items[1].text, "bc");
        assert_int_equal(json_read_object(&document, "k", "[]", 2, &failure), -EINVAL);
        assert_string_equal(failure.text, "k:1: expected an object");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),       cmocka_unit_test(test_nan),
                cmocka_unit_test(test_policy_table), cmocka_unit_test(test_faults),
                cmocka_unit_test(test_object),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
