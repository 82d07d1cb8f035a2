/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/engine-options.h"
#include "client/options.h"

static void test_defaults(void **state) {
        CliContext context = {.executable = NULL};
        SprEngineOptions *options = NULL;
        Fault fault = {0};

        (void)state;
        assert_int_equal(engine_options_make(&context, "/opt/python3", &options, &fault), 0);
        assert_string_equal(options->python, "/opt/python3");
        assert_non_null(strstr(options->agent, "spr-agent"));
        (void)spr_engine_options_free(options);
}

/* No agent beside the program: the installed one is taken. */
static void test_no_agent_beside(void **state) {
        CliContext context = {.executable = "/nowhere/bin/spr"};
        SprEngineOptions *options = NULL;
        Fault fault = {0};

        (void)state;
        assert_int_equal(engine_options_make(&context, "/opt/python3", &options, &fault), 0);
        assert_null(strstr(options->agent, "/nowhere"));
        (void)spr_engine_options_free(options);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_no_agent_beside),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
