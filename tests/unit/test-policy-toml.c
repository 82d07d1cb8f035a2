/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failure.h"
#include "policy/toml.h"

static void read_text(Document *document, const char *text) {
        Failure failure = FAILURE_NULL;

        if (toml_read(document, text, strlen(text), "p", &failure))
                fail_msg("%s", failure.text);
}

static void assert_refused(const char *text, size_t length, const char *words) {
        Document document = DOCUMENT_NULL;
        Failure failure = FAILURE_NULL;

        assert_int_equal(toml_read(&document, text, length, "p", &failure), -EINVAL);
        assert_int_equal(document.n_entries, 0);
        if (!strstr(failure.text, words))
                fail_msg("'%s' lacks '%s'", failure.text, words);
}

static void test_values(void **state) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        static const struct {
                const char *key;
                ValueType type;
                const char *text;
        } rows[] = {
                {"z", VALUE_STRING, "s"},          {"i", VALUE_INTEGER, "-3"},
                {"r", VALUE_REAL, "2.5"},          {"b", VALUE_BOOLEAN, NULL},
                {"d", VALUE_DATE, "2020-01-02"},   {"l", VALUE_LIST, NULL},
                {"o", VALUE_OBJECT, "{\"x\":[]}"},
        };

        (void)state;
        read_text(&document, "z = 's'\ni = -3\nr = 2.5\nb = true\nd = 2020-01-02\n"
                             "l = ['a',\n2,[3]]\n[o]\nx = []\n");
        assert_int_equal(document.policy_line, 0);
        assert_int_equal(document.n_entries, ARRAY_SIZE(rows));
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const Entry *entry = &document.entries[i];

                assert_string_equal(entry->key, rows[i].key);
                assert_int_equal(entry->value.type, rows[i].type);
                assert_int_equal(entry->value.line, i < 6 ? i + 1 : 8);
                assert_false(entry->nested);
                if (rows[i].text)
                        assert_string_equal(entry->value.text, rows[i].text);
        }
        assert_int_equal(document.entries[1].value.integer, -3);
        assert_true(document.entries[2].value.real == 2.5);
        assert_int_equal(document.entries[5].n_items, 3);
        assert_string_equal(document.entries[5].items[0].text, "a");
        assert_int_equal(document.entries[5].items[1].type, VALUE_INTEGER);
        assert_int_equal(document.entries[5].items[1].line, 7);
        assert_int_equal(document.entries[5].items[2].type, VALUE_LIST);
        assert_int_equal(document.entries[6].n_items, 1);
        assert_string_equal(document.entries[6].items[0].text, "x");
        assert_int_equal(document.entries[6].items[0].line, 9);
}

static void test_policy_table(void **state) {
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;

        (void)state;
        read_text(&document, "z = 1\n[policy]\nb = 2\na = 3\n[policy.t]\nc = 4\n[policy2]\n");
        assert_int_equal(document.policy_line, 2);
        assert_int_equal(document.n_entries, 5);
        for (size_t i = 0; i < 5; ++i)
                assert_int_equal(document.entries[i].nested, i > 0 && i < 4);
        assert_string_equal(document.entries[3].key, "t");
        assert_string_equal(document.entries[3].value.text, "{\"c\":4}");
}

static void test_object_json(void **state) {
        static const struct {
                const char *text, *json;
        } rows[] = {
                {"o = {}", "{}"},
                {"o = {a = [], b = {}}", "{\"a\":[],\"b\":{}}"},
                {"o = {a = [[1], [], [[2, {c = 3}]], 4]}", "{\"a\":[[1],[],[[2,{\"c\":3}]],4]}"},
                {"o.a.b.c = true\no.d = false", "{\"a\":{\"b\":{\"c\":true}},\"d\":false}"},
                {"[[o.r]]\nx = 1\n[[o.r]]\n", "{\"r\":[{\"x\":1},{}]}"},
                {"o = {a = [inf, -inf, nan, 1.0, 9223372036854775807]}",
                 "{\"a\":[Infinity,-Infinity,NaN,1.0,9223372036854775807]}"},
                {"o = {'\"' = \"\\u0000\\n\\u00e9\", d = 2020-01-02}",
                 "{\"\\\"\":\"\\u0000\\n\xc3\xa9\",\"d\":\"2020-01-02\"}"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;

                read_text(&document, rows[i].text);
                assert_int_equal(document.n_entries, 1);
                assert_string_equal(document.entries[0].value.text, rows[i].json);
                assert_int_equal(document.entries[0].value.length, strlen(rows[i].json));
        }
}

/* Nesting by every means, up to a million levels. */
static void test_depth(void **state) {
        static const struct {
                const char *before, *repeat;
        } rows[] = {
                {"a = ", "["},
                {"a = ", "{a="},
                {"", "a."},
                {"[", "a."},
                {"a = ", "[{"},
                {"a = {", "a."},
                {"a = ", "{a.a.a="},
                {"[[", "'a' . "},
                {"a = '''\n'''''\nb.", "\"c\"."},
                {"a = \"\\\"\"\nb.", "c."},
        };
        enum {
                REPEATS = 1000000
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                size_t n_before = strlen(rows[i].before), n_repeat = strlen(rows[i].repeat);
                size_t length = n_before + REPEATS * n_repeat;
                char *text = malloc(length);

                assert_non_null(text);
                memcpy(text, rows[i].before, n_before);
                for (size_t j = 0; j < REPEATS; ++j)
                        memcpy(text + n_before + j * n_repeat, rows[i].repeat, n_repeat);
                assert_refused(text, length, "nested too deeply");
                free(text);
        }
}

/* Many dots and brackets that nest nothing. */
static void test_no_depth(void **state) {
        static const char *const parts[] = {
                "s%zu = \"[[[[.{.{.\\\"[\" # {{{{ ....\n",
                "f%zu = [1.0, 2.0, {a.b = 1.5}]\n",
                "m%zu = '''\n[[[''' # '\n",
                "q%zu = \"\"\"\"[[\"\"\"\"\"\n",
                "d%zu.e = 1979-05-27T07:32:00.5Z\n",
        };
        _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
        static char text[100000];
        size_t used = 0;

        (void)state;
        for (size_t i = 0; i < 1000; ++i)
                for (size_t c = 0, part = i % ARRAY_SIZE(parts); parts[part][c];) {
                        if (parts[part][c] != '%') {
                                text[used++] = parts[part][c++];
                                continue;
                        }
                        for (size_t digit = 1000; digit > 0; digit /= 10)
                                text[used++] = (char)('0' + i / digit % 10);
                        c += 3;
                }
        assert_true(used < sizeof(text));
        read_text(&document, text);
        assert_int_equal(document.n_entries, 1000);
}

static void test_depth_limit(void **state) {
        (void)state;
        for (size_t n = 190; n <= 200; ++n) {
                _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
                char text[512] = "a = ";

                memset(text + 4, '[', n);
                memset(text + 4 + n, ']', n);
                if (n < 200)
                        read_text(&document, text);
                else
                        assert_refused(text, strlen(text), "p:1: nested too deeply");
        }
}

/* Each segment of a header may be an array of tables: twice as deep as it looks. */
static void test_depth_of_array_tables(void **state) {
        static char text[100000], path[1000];
        size_t used = 0;

        (void)state;
        for (size_t i = 0; i < 150; ++i) {
                memcpy(path + strlen(path), i ? ".a" : "a", i ? 2 : 1);
                used += (size_t)snprintf(text + used, sizeof(text) - used, "[[%s]]\n", path);
        }
        assert_true(used < sizeof(text) - 1);
        assert_refused(text, used, "nested too deeply");
}

static void test_cut_anywhere(void **state) {
        static const char text[] =
                "a = '''x''''\nb = \"\"\"y\\\"\"\"\"\"\nc.'d' = [{e = 1}, # f\n 2.0]\n";

        (void)state;
        for (size_t length = 0; length < sizeof(text); ++length) {
                _cleanup_(document_deinitp) Document document = DOCUMENT_NULL;
                char *exact = malloc(length + 1);

                assert_non_null(exact);
                memcpy(exact, text, length);
                exact = realloc(exact, length ? length : 1);
                (void)toml_read(&document, exact, length, "p", NULL);
                free(exact);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_policy_table),
                cmocka_unit_test(test_object_json),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_no_depth),
                cmocka_unit_test(test_depth_limit),
                cmocka_unit_test(test_depth_of_array_tables),
                cmocka_unit_test(test_cut_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
