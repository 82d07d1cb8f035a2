/* SPDX-License-Identifier: MIT */
#include "group-files.h"

/* swap is what the limit of memory would move the rest to; without them there is none */
static const GroupFilesRow rows[] = {
        {"memory.limit_in_bytes", CGROUP_MEMORY, CGROUP_VALUE_MEMORY, false},
        {"memory.memsw.limit_in_bytes", CGROUP_MEMORY, CGROUP_VALUE_MEMORY, true},
        {"memory.swappiness", CGROUP_MEMORY, CGROUP_VALUE_TEXT, true},
        {"pids.max", CGROUP_PIDS, CGROUP_VALUE_TASKS, false},
        {"cpu.cfs_quota_us", CGROUP_CPU, CGROUP_VALUE_QUOTA, true},
};

static void test_settings(void **state) {
        (void)state;
        group_files_check(&cgroup_v1_files, rows, ARRAY_SIZE(rows));
}

static void test_no_kill(void **state) {
        (void)state;
        assert_null(cgroup_v1_files.kill);
        assert_null(cgroup_v1_files.enabled_controllers);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_settings),
                cmocka_unit_test(test_no_kill),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
