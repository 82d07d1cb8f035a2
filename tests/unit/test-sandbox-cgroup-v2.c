/* SPDX-License-Identifier: MIT */
#include "group-files.h"

static const GroupFilesRow rows[] = {
        {"memory.max", CGROUP_MEMORY, CGROUP_VALUE_MEMORY, false},
        {"memory.swap.max", CGROUP_MEMORY, CGROUP_VALUE_TEXT, true},
        {"memory.oom.group", CGROUP_MEMORY, CGROUP_VALUE_TEXT, true},
        {"pids.max", CGROUP_PIDS, CGROUP_VALUE_TASKS, false},
        {"cpu.max", CGROUP_CPU, CGROUP_VALUE_QUOTA_AND_PERIOD, true},
};

static void test_settings(void **state) {
        (void)state;
        group_files_check(&cgroup_v2_files, rows, ARRAY_SIZE(rows));
}

static void test_units(void **state) {
        (void)state;
        assert_int_equal(cgroup_v2_files.cpu.factor, 1000); /* microseconds */
        assert_int_equal(cgroup_v2_files.memory.factor, 1);
        assert_int_equal(cgroup_v2_files.oom_kills.factor, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_settings),
                cmocka_unit_test(test_units),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
