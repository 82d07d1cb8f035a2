/* SPDX-License-Identifier: MIT */
#include "sandbox/cgroup-files.h"

static const CgroupSetting settings[] = {
        {CGROUP_MEMORY, "memory.max", CGROUP_VALUE_MEMORY, NULL, false},
        {CGROUP_MEMORY, "memory.swap.max", CGROUP_VALUE_TEXT, "0", true},
        {CGROUP_MEMORY, "memory.oom.group", CGROUP_VALUE_TEXT, "1", true},
        {CGROUP_PIDS, "pids.max", CGROUP_VALUE_TASKS, NULL, false},
        {CGROUP_CPU, "cpu.max", CGROUP_VALUE_QUOTA_AND_PERIOD, NULL, true},
};

const CgroupFiles cgroup_v2_files = {
        .settings = settings,
        .n_settings = ARRAY_SIZE(settings),
        .background = {CGROUP_CPU, "cpu.weight", CGROUP_VALUE_TEXT, "12", true},
        .memory = {CGROUP_MEMORY, "memory.stat", {"anon", "shmem"}, 1},
        .cpu = {CGROUP_CPU, "cpu.stat", {"usage_usec"}, 1000},
        .join = "cgroup.procs",
        .oom_kills = {CGROUP_MEMORY, "memory.events", {"oom_kill"}, 1},
        .kill = "cgroup.kill",
        .enabled_controllers = "cgroup.subtree_control",
};
