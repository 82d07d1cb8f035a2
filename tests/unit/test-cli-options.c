/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/options.h"

typedef struct Fields Fields;
typedef struct Fixture Fixture;

struct Fields {
        bool quiet;
        bool json;
        const char *code;
        OptionList packages;
        uint64_t timeout_ns;
        uint64_t memory_bytes;
        uint64_t n;
};

struct Fixture {
        Fields fields;
        OptionList operands;
        OptionFault fault;
};

static const OptionSpec specs[] = {
        {"quiet", 'q', OPTION_FLAG, offsetof(Fields, quiet), NULL, ""},
        {"json", 'j', OPTION_FLAG, offsetof(Fields, json), NULL, ""},
        {"code", 'c', OPTION_TEXT, offsetof(Fields, code), "CODE", ""},
        {"with", 'w', OPTION_LIST, offsetof(Fields, packages), "NAME==VERSION", ""},
        {"timeout", 0, OPTION_DURATION, offsetof(Fields, timeout_ns), "TIME", ""},
        {"memory", 0, OPTION_SIZE, offsetof(Fields, memory_bytes), "SIZE", ""},
        {"max", 0, OPTION_NUMBER, offsetof(Fields, n), "N", ""},
        {0},
};

#define PARSE(_fixture, ...) fixture_parse((_fixture), (const char *const[]){__VA_ARGS__, NULL})

static int fixture_parse(Fixture *fixture, const char *const *arguments) {
        char *argv[16] = {0};
        int argc = 0;

        *fixture = (Fixture){0};
        for (; arguments[argc]; argc++)
                argv[argc] = (char *)(uintptr_t)arguments[argc];
        return options_parse(specs, &fixture->fields, &fixture->operands, argc, argv,
                             &fixture->fault);
}

static void fixture_deinit(Fixture *fixture) {
        option_list_deinit(&fixture->operands);
        option_list_deinit(&fixture->fields.packages);
}

static void test_values(void **state) {
        _cleanup_(fixture_deinit) Fixture fixture = {0};
        int r;

        (void)state;
        r = PARSE(&fixture, "-q", "file.py", "--timeout", "0.5s", "--memory=64M", "--with", "a==1",
                  "-wb==2", "--max=7", "--code", "-1");
        assert_int_equal(r, 0);
        assert_true(fixture.fields.quiet);
        assert_false(fixture.fields.json);
        assert_int_equal(fixture.fields.timeout_ns, NSEC_PER_SEC / 2);
        assert_int_equal(fixture.fields.memory_bytes, 64 << 20);
        assert_int_equal(fixture.fields.n, 7);
        assert_int_equal(fixture.fields.packages.n_items, 2);
        assert_string_equal(fixture.fields.packages.items[0], "a==1");
        assert_string_equal(fixture.fields.packages.items[1], "b==2");
        assert_string_equal(fixture.fields.code, "-1"); /* a value may look like an option */
        assert_int_equal(fixture.operands.n_items, 1);
        assert_string_equal(fixture.operands.items[0], "file.py");
}

static void test_forms(void **state) {
        _cleanup_(fixture_deinit) Fixture bundled = {0}, operands = {0}, last = {0}, empty = {0};

        (void)state;
        assert_int_equal(PARSE(&bundled, "-qjc", "x"), 0);
        assert_true(bundled.fields.quiet && bundled.fields.json);
        assert_string_equal(bundled.fields.code, "x");

        assert_int_equal(PARSE(&operands, "-", "--", "--json", "-q", "--"), 0);
        assert_int_equal(operands.operands.n_items, 4);
        assert_string_equal(operands.operands.items[0], "-");
        assert_string_equal(operands.operands.items[3], "--");
        assert_false(operands.fields.json);

        assert_int_equal(PARSE(&last, "--code=a", "--code=b=c"), 0);
        assert_string_equal(last.fields.code, "b=c");

        assert_int_equal(PARSE(&empty, "--code="), 0);
        assert_string_equal(empty.fields.code, "");
}

static void test_mistakes(void **state) {
        static const struct {
                const char *arguments[4];
                const char *text;
        } cases[] = {
                {{"--tiemout", "5"}, "unknown option '--tiemout': did you mean '--timeout'?"},
                {{"--tiemout=5"}, "unknown option '--tiemout': did you mean '--timeout'?"},
                {{"--frobnicate"}, "unknown option '--frobnicate'"},
                {{"-x"}, "unknown option '-x'"},
                {{"-qx"}, "unknown option '-x'"},
                {{"--timeout"}, "--timeout needs a value: TIME"},
                {{"-c"}, "--code needs a value: CODE"},
                {{"--json=yes"}, "--json takes no value"},
                {{"--timeout", "soon"},
                 "--timeout 'soon': not a duration above zero, such as 0.5s, 200ms or 2m"},
                {{"--timeout=0"},
                 "--timeout '0': not a duration above zero, such as 0.5s, 200ms or 2m"},
                {{"--memory=-1"}, "--memory '-1': not a size above zero, such as 256M or 1G"},
                {{"--max", "1.5"}, "--max '1.5': not a whole number above zero, such as 64"},
                {{"--max=0"}, "--max '0': not a whole number above zero, such as 64"},
                {{"--bad", "--worse"}, "unknown option '--bad'"}, /* the first one */
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(fixture_deinit) Fixture fixture = {0};

                assert_int_equal(fixture_parse(&fixture, cases[i].arguments), OPTIONS_E_USAGE);
                assert_string_equal(fixture.fault.text, cases[i].text);
        }
}

static void test_reads_on(void **state) {
        _cleanup_(fixture_deinit) Fixture fixture = {0};

        (void)state;
        assert_int_equal(PARSE(&fixture, "--frobnicate", "--json"), OPTIONS_E_USAGE);
        assert_true(fixture.fields.json); /* how to tell the mistake is known */
}

static void test_help(void **state) {
        _cleanup_(fixture_deinit) Fixture name = {0}, letter = {0}, operand = {0};

        (void)state;
        assert_int_equal(PARSE(&name, "--bad", "--help"), OPTIONS_E_HELP);
        assert_int_equal(PARSE(&letter, "-qh"), OPTIONS_E_HELP);
        assert_int_equal(PARSE(&operand, "--", "--help"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),   cmocka_unit_test(test_forms),
                cmocka_unit_test(test_mistakes), cmocka_unit_test(test_reads_on),
                cmocka_unit_test(test_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
