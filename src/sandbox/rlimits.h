#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Resource limits of one run
 *
 * A plan is a list of (resource, value); applying sets soft and hard limit to the value, or to the
 * present hard limit where that is lower, and reads them back.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Failure Failure;
typedef struct RlimitPlan RlimitPlan;

#define RLIMIT_PLAN_MAX 12

struct RlimitPlan {
        struct {
                int resource; /* RLIMIT_* */
                uint64_t value;
        } entries[RLIMIT_PLAN_MAX];
        size_t n_entries;
};

/* The fixed limits: no core, no locked memory, no message queues, 8 MiB of stack. */
void rlimit_plan_init(RlimitPlan *plan);
void rlimit_plan_add(RlimitPlan *plan, int resource, uint64_t value);
/* Worker: async-signal-safe. */
int rlimit_plan_apply(const RlimitPlan *plan, Failure *failure);
/* Whether no limit is above the plan now. Async-signal-safe. */
bool rlimit_plan_holds(const RlimitPlan *plan);
