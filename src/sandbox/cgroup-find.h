#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Finding control groups: which hierarchies are mounted, and where this process is in them
 *
 * Pure: two texts of /proc in, places out. A hierarchy may be seen by a bind mount that shows only
 * a part of it, or through a cgroup namespace that hides the names of what is above; then the own
 * group is only known where the mount shows it.
 */
#include <stdbool.h>

#include "base/attr.h"

typedef struct CgroupPlace CgroupPlace;
typedef struct CgroupPlaces CgroupPlaces;

#define CGROUP_PATH_MAX 2048

typedef enum CgroupRole {
        CGROUP_MEMORY,
        CGROUP_PIDS,
        CGROUP_CPU,
        _CGROUP_ROLE_N,
} CgroupRole;

struct CgroupPlace {
        bool mounted;
        bool read_only;
        bool group_known;
        char mount[CGROUP_PATH_MAX]; /* "/sys/fs/cgroup/memory" */
        char group[CGROUP_PATH_MAX]; /* the own group below it: "" or "/user.slice" */
};

struct CgroupPlaces {
        CgroupPlace v2;
        CgroupPlace v1[_CGROUP_ROLE_N];
};

/* "memory", "pids", "cpu": the controllers, in v1 and v2. */
const char *cgroup_role_name(CgroupRole role);
/* Whether the words of @list, set apart by blanks, commas or newlines, have @word among them. */
bool cgroup_list_has(const char *list, const char *word);

/* @mountinfo and @membership are the texts of /proc/self/mountinfo and /proc/self/cgroup. Only
 * mounts at @root or below it count. */
CgroupPlaces *cgroup_places_new(const char *root, const char *mountinfo, const char *membership);
CgroupPlaces *cgroup_places_free(CgroupPlaces *places);

DEFINE_CLEANUP(CgroupPlaces *, cgroup_places_free)
