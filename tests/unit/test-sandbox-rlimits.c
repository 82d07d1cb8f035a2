/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "child.h"
#include "sandbox/rlimits.h"

static int is(int resource, rlim_t value) {
        struct rlimit limit;

        return getrlimit(resource, &limit) == 0 && limit.rlim_cur == value &&
               limit.rlim_max == value;
}

static int apply_fixed(void) {
        Failure failure = FAILURE_NULL;
        RlimitPlan plan;

        rlimit_plan_init(&plan);
        rlimit_plan_add(&plan, RLIMIT_FSIZE, 100);
        CHECK(rlimit_plan_apply(&plan, &failure) == 0);
        CHECK(is(RLIMIT_CORE, 0));
        CHECK(is(RLIMIT_MEMLOCK, 0));
        CHECK(is(RLIMIT_MSGQUEUE, 0));
        CHECK(is(RLIMIT_STACK, 8 << 20));
        CHECK(is(RLIMIT_FSIZE, 100));
        CHECK(rlimit_plan_holds(&plan));
        rlimit_plan_add(&plan, RLIMIT_FSIZE, 99);
        CHECK(!rlimit_plan_holds(&plan));
        return CHILD_PASSED;
}

/* A host may be stricter than the plan: then its limit holds. */
static int apply_above_hard_limit(void) {
        const struct rlimit low = {50, 60};
        RlimitPlan plan = {0};

        CHECK(setrlimit(RLIMIT_FSIZE, &low) == 0);
        rlimit_plan_add(&plan, RLIMIT_FSIZE, UINT64_MAX - 1);
        CHECK(rlimit_plan_apply(&plan, NULL) == 0);
        CHECK(is(RLIMIT_FSIZE, 60));
        return CHILD_PASSED;
}

static int apply_nonsense(void) {
        Failure failure = FAILURE_NULL;
        RlimitPlan plan = {0};

        rlimit_plan_add(&plan, 9999, 1);
        CHECK(rlimit_plan_apply(&plan, &failure) < 0);
        CHECK(failure.stage == FAILURE_STAGE_SANDBOX);
        return CHILD_PASSED;
}

static void test_apply(void **state) {
        static const ChildFn rows[] = {apply_fixed, apply_above_hard_limit, apply_nonsense};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                child_run(rows[i]);
}

/* All that spawn.c adds finds room. */
static void test_plan_has_room(void **state) {
        RlimitPlan plan;

        (void)state;
        rlimit_plan_init(&plan);
        assert_true(plan.n_entries + 4 <= RLIMIT_PLAN_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_apply),
                cmocka_unit_test(test_plan_has_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
