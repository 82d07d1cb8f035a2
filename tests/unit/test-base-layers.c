/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/layers.h"

static void test_names_are_complete(void **state) {
        (void)state;
        for (unsigned int i = 0; i < _LAYER_N; ++i) {
                assert_non_null(layer_name(i));
                for (unsigned int j = 0; j < i; ++j)
                        assert_string_not_equal(layer_name(i), layer_name(j));
        }
        assert_string_equal(layer_name(LAYER_PID_NAMESPACE), "pid_namespace");
        assert_string_equal(layer_name(_LAYER_N), "unknown");
        assert_string_equal(isolation_level_name(ISOLATION_NONE), "none");
        assert_string_equal(isolation_level_name(ISOLATION_FULL), "full");
        assert_string_equal(isolation_level_name(_ISOLATION_N), "unknown");
}

#define PROCESS                                                                                    \
        (LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_UNDUMPABLE))
#define KERNEL (PROCESS | LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP))
#define FULL                                                                                       \
        (KERNEL | LAYER_BIT(LAYER_CAPABILITIES) | LAYER_BIT(LAYER_PID_NAMESPACE) |                 \
         LAYER_BIT(LAYER_MOUNT_NAMESPACE) | LAYER_BIT(LAYER_NET_NAMESPACE) |                       \
         LAYER_BIT(LAYER_IPC_NAMESPACE))

/* A level is what all of its layers give; without any one of them it is a lower one. */
static void test_levels(void **state) {
        static const struct {
                LayerSet layers;
                IsolationLevel level;
        } rows[] = {
                {PROCESS, ISOLATION_PROCESS},
                {KERNEL, ISOLATION_KERNEL},
                {FULL, ISOLATION_FULL},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                assert_int_equal(isolation_level_of(rows[i].layers), rows[i].level);
                assert_true(isolation_level_layers(rows[i].level) == rows[i].layers);
                for (unsigned int layer = 0; layer < _LAYER_N; ++layer)
                        if (rows[i].layers & LAYER_BIT(layer))
                                assert_true(isolation_level_of(rows[i].layers & ~LAYER_BIT(layer)) <
                                            rows[i].level);
        }
        assert_true(isolation_level_layers(ISOLATION_NONE) == 0);
        assert_int_equal(isolation_level_of(0), ISOLATION_NONE);
        assert_int_equal(isolation_level_of(FULL & ~PROCESS), ISOLATION_NONE);
        assert_int_equal(isolation_level_of(UINT64_MAX), ISOLATION_FULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_are_complete),
                cmocka_unit_test(test_levels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
