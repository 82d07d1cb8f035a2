/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/attr.h"
#include "policy/toml-shim.h"

/* "depth:line type key text integer", one item per line. */
static void dump(const TomlItem *items, size_t n, char *out, size_t room) {
        static const char types[] = {
                [TOML_TABLE] = 'T', [TOML_ARRAY] = 'A',   [TOML_STRING] = 'S', [TOML_INTEGER] = 'I',
                [TOML_REAL] = 'R',  [TOML_BOOLEAN] = 'B', [TOML_DATE] = 'D',
        };
        size_t used = 0;

        out[0] = '\0';
        for (size_t i = 0; i < n; ++i)
                used += (size_t)snprintf(
                        out + used, room - used, "%u:%u%c %.*s=%.*s%s%.0d\n", items[i].depth,
                        items[i].line, types[items[i].type], (int)items[i].key_length, items[i].key,
                        (int)items[i].text_length, items[i].text,
                        items[i].type == TOML_INTEGER ? "#" : "", (int)items[i].integer);
}

static void test_items(void **state) {
        static const struct {
                const char *text, *expected;
        } rows[] = {
                {"", ""},
                {"a = 1\nb = 'x'\n", "0:1I a=#1\n0:2S b=x\n"},
                {"a = [1, [2],\n{b = 3}]\n",
                 "0:1A a=\n1:1I =#1\n1:1A =\n2:1I =#2\n1:2T =\n2:2I b=#3\n"},
                {"\n[t.u]\nv = true\n[t]\nw = false\n", "0:2T t=\n1:2T u=\n2:3B v=1\n1:5B w=\n"},
                {"a.b.c = 1.5\n", "0:1T a=\n1:1T b=\n2:1R c=1.5\n"},
                {"a = [1e0, 1e300, 0.1, -0.0, nan, -inf]",
                 "0:1A a=\n1:1R =1.0\n1:1R =1e+300\n1:1R =0.1\n1:1R =-0.0\n1:1R =NaN\n"
                 "1:1R =-Infinity\n"},
                {"a = [1979-05-27, 07:32:00, 07:32:00.120, 00:00:00]",
                 "0:1A a=\n1:1D =1979-05-27\n1:1D =07:32:00\n1:1D =07:32:00.12\n1:1D =00:00:00\n"},
                {"a = [1979-05-27T07:32:00Z, 1979-05-27 07:32:00-07:30]",
                 "0:1A a=\n1:1D =1979-05-27T07:32:00+00:00\n"
                 "1:1D =1979-05-27T07:32:00-07:30\n"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                TomlText *parsed = NULL;
                TomlFault fault;
                const TomlItem *items;
                char seen[512];
                size_t n;

                assert_int_equal(
                        toml_text_parse(&parsed, rows[i].text, strlen(rows[i].text), &fault), 0);
                items = toml_text_items(parsed, &n);
                dump(items, n, seen, sizeof(seen));
                assert_string_equal(seen, rows[i].expected);
                assert_null(toml_text_free(parsed));
        }
        assert_null(toml_text_free(NULL));
}

static void test_faults(void **state) {
        static const struct {
                const char *text;
                unsigned int line;
        } rows[] = {
                {"a", 1},
                {"\n\na = \n", 3},
                {"a = 1\na = 2\n", 2},
                {"a = 99999999999999999999", 1},
                {"[a", 1},
                {"a = \"\xff\"", 1},
                {"a = 1979-02-30", 1},
                {"a = 1\n[[[b]]]\nc = 2\n", 2},
                {"[[[", 1},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                TomlText *parsed = NULL;
                TomlFault fault = {0};

                assert_int_equal(
                        toml_text_parse(&parsed, rows[i].text, strlen(rows[i].text), &fault),
                        TOML_E_SYNTAX);
                assert_null(parsed);
                assert_int_equal(fault.line, rows[i].line);
                assert_true(strlen(fault.reason) > 5);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_items),
                cmocka_unit_test(test_faults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
