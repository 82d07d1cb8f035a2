/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>

#include "spr/spr.h"

/* "0.1.0": digits and two dots between them */
static void test_version(void **state) {
        const char *version = spr_version();
        size_t n_dots = 0;

        (void)state;
        for (size_t i = 0; version[i]; ++i) {
                if (version[i] == '.')
                        ++n_dots;
                assert_true(version[i] == '.' || isdigit((unsigned char)version[i]));
        }
        assert_int_equal(n_dots, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_version),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
