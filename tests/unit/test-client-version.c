/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "spr/spr.h"

static void test_version(void **state) {
        unsigned int major, minor, patch;
        char rest;

        (void)state;
        assert_int_equal(sscanf(spr_version(), "%u.%u.%u%c", &major, &minor, &patch, &rest), 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_version),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
