/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/bootstrap-program.h"

/* What it does is seen in test-engine-piped.c: here, that it gets there through any shell. */
static void test_text(void **state) {
        const char *token = "0123456789abcdef0123456789abcdef";
        char *program = bootstrap_program_new(token);

        (void)state;
        assert_non_null(program);
        assert_null(strpbrk(program, "'!\n"));
        assert_int_equal(strncmp(program, "T=\"0123456789abcdef0123456789abcdef\";exec(\"", 43), 0);
        assert_string_equal(program + strlen(program) - 2, "\")");
        free(program);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
