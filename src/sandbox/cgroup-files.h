#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Where v1 and v2 differ: the names of files and the form of their values, as tables
 */
#include <stdbool.h>
#include <stddef.h>

#include "sandbox/cgroup-find.h"

typedef struct CgroupCounter CgroupCounter;
typedef struct CgroupFiles CgroupFiles;
typedef struct CgroupSetting CgroupSetting;

typedef enum CgroupValue {
        CGROUP_VALUE_TEXT,             /* the same for all */
        CGROUP_VALUE_MEMORY,           /* bytes */
        CGROUP_VALUE_TASKS,            /* number */
        CGROUP_VALUE_QUOTA,            /* microseconds in CGROUP_PERIOD_US */
        CGROUP_VALUE_QUOTA_AND_PERIOD, /* and the period behind it */
} CgroupValue;

#define CGROUP_PERIOD_US 100000u

struct CgroupSetting {
        CgroupRole role;
        const char *file;
        CgroupValue value;
        const char *text;
        bool optional; /* kernels without it hold the limit, too */
};

/* A sum of fields of a file. */
struct CgroupCounter {
        CgroupRole role;
        const char *file;
        const char *fields[2]; /* none: the file is one number */
        unsigned int factor;   /* to bytes, nanoseconds or events */
};

struct CgroupFiles {
        const CgroupSetting *settings;
        size_t n_settings;
        CgroupSetting background; /* a small share of the processor where others want it, too */
        CgroupCounter memory, cpu, oom_kills;
        const char *join;                /* takes "0": the writer, which has one thread */
        const char *kill;                /* NULL: there is none */
        const char *enabled_controllers; /* NULL: groups have those of the hierarchy */
};

extern const CgroupFiles cgroup_v1_files;
extern const CgroupFiles cgroup_v2_files;
