#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Trial: whether something works on this host, found out by a child that does it
 */
#include <stdbool.h>

/* 1: @works returned true in a child of the caller, who must not have SIGCHLD ignored; 0: it did
 * not; negative errno: there could be no child, which says nothing about @works. */
int trial_run(bool (*works)(void));
