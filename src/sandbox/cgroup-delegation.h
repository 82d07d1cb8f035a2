#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Delegation (v2): the group below which we may make groups, and how it comes to allow it
 *
 * Used by the stub. A group of v2 limits groups below it only while it holds no process itself,
 * save the root. So where our own group has been delegated to us, whoever is in it (the host
 * program and we) moves one level down, into "spr-host"; where it has not, nobody is moved.
 */
#include "sandbox/cgroup-find.h"

typedef struct Failure Failure;

#define CGROUP_DELEGATION_LEAF "spr-host"

/* Finds it, and switches memory, pids and, where it is to be had, cpu on for groups below it.
 * Returns 0 and its path, or CGROUP_E_NONE. */
int cgroup_delegation_find(const CgroupPlace *place,
                           char path[static CGROUP_PATH_MAX],
                           Failure *failure);
/* Switches controllers on below @dir_fd: 0, or -errno for the first one that is @needed and
 * refused. */
int cgroup_delegation_enable(int dir_fd);
