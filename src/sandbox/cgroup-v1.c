/* SPDX-License-Identifier: MIT */
#include "sandbox/cgroup-files.h"

/* In this order: the limit of memory and swap together may not be below that of memory. */
static const CgroupSetting settings[] = {
        {CGROUP_MEMORY, "memory.limit_in_bytes", CGROUP_VALUE_MEMORY, NULL, false},
        {CGROUP_MEMORY, "memory.memsw.limit_in_bytes", CGROUP_VALUE_MEMORY, NULL, true},
        {CGROUP_MEMORY, "memory.swappiness", CGROUP_VALUE_TEXT, "0", true},
        {CGROUP_PIDS, "pids.max", CGROUP_VALUE_TASKS, NULL, false},
        {CGROUP_CPU, "cpu.cfs_quota_us", CGROUP_VALUE_QUOTA, NULL, true},
};

const CgroupFiles cgroup_v1_files = {
        .settings = settings,
        .n_settings = ARRAY_SIZE(settings),
        .background = {CGROUP_CPU, "cpu.shares", CGROUP_VALUE_TEXT, "128", true},
        .memory = {CGROUP_MEMORY, "memory.stat", {"total_rss", "total_shmem"}, 1},
        .cpu = {CGROUP_CPU, "cpuacct.usage", {NULL}, 1}, /* where it shares cpu's hierarchy */
        .join = "tasks", /* one thread moves without waiting for all others, since 5.5 */
        .oom_kills = {CGROUP_MEMORY, "memory.oom_control", {"oom_kill"}, 1},
};
