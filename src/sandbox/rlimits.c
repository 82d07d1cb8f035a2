/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failure.h"
#include "sandbox/rlimits.h"

/* The kernel's own structure: always 64 bits, on every architecture. */
typedef struct KernelRlimit {
        uint64_t soft, hard;
} KernelRlimit;

static const struct {
        int resource;
        uint64_t value;
} fixed_limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_MEMLOCK, 0},
        {RLIMIT_MSGQUEUE, 0},
        {RLIMIT_STACK, UINT64_C(8) << 20},
};

void rlimit_plan_init(RlimitPlan *plan) {
        *plan = (RlimitPlan){0};
        for (size_t i = 0; i < ARRAY_SIZE(fixed_limits); ++i)
                rlimit_plan_add(plan, fixed_limits[i].resource, fixed_limits[i].value);
}

void rlimit_plan_add(RlimitPlan *plan, int resource, uint64_t value) {
        assert(plan->n_entries < RLIMIT_PLAN_MAX);
        plan->entries[plan->n_entries].resource = resource;
        plan->entries[plan->n_entries].value = value;
        ++plan->n_entries;
}

static int rlimit_exchange(int resource, const KernelRlimit *new, KernelRlimit *old) {
        return syscall(SYS_prlimit64, 0, resource, new, old) < 0 ? -errno : 0;
}

static int rlimit_set(int resource, uint64_t value) {
        KernelRlimit limit = {0}, now = {0};
        int r;

        r = rlimit_exchange(resource, NULL, &now);
        if (r)
                return r;
        limit.soft = limit.hard = value < now.hard ? value : now.hard;
        r = rlimit_exchange(resource, &limit, NULL);
        if (r)
                return r;
        r = rlimit_exchange(resource, NULL, &now);
        if (r)
                return r;
        return now.soft == limit.soft && now.hard == limit.hard ? 0 : -ERANGE;
}

int rlimit_plan_apply(const RlimitPlan *plan, Failure *failure) {
        for (size_t i = 0; i < plan->n_entries; ++i) {
                int r = rlimit_set(plan->entries[i].resource, plan->entries[i].value);

                if (r)
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r,
                                           "cannot set a resource limit");
        }
        return 0;
}

bool rlimit_plan_holds(const RlimitPlan *plan) {
        for (size_t i = 0; i < plan->n_entries; ++i) {
                KernelRlimit now = {0};

                if (rlimit_exchange(plan->entries[i].resource, NULL, &now) ||
                    now.hard > plan->entries[i].value || now.soft > now.hard)
                        return false;
        }
        return true;
}
