/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/lease.h"
#include "base/failure.h"
#include "sandbox/credentials.h"

static Agent *agent_with_uids(bool leases_uids) {
        Agent *agent = calloc(1, sizeof(*agent));

        assert_non_null(agent);
        agent->leases_uids = leases_uids;
        list_init(&agent->cleaning);
        return agent;
}

static void test_without_uids(void **state) {
        _cleanup_(freep) Agent *agent = agent_with_uids(false);
        _cleanup_(lease_freep) Lease *lease = NULL;

        (void)state;
        assert_int_equal(lease_new(&lease, agent, NULL), 0);
        assert_int_equal(lease_uid(lease), UID_STAY);
}

/* The lowest free uid each time, none twice, and none beyond the last. */
static void test_uids(void **state) {
        _cleanup_(freep) Agent *agent = agent_with_uids(true);
        Lease *leases[AGENT_UIDS_MAX];
        Failure failure = FAILURE_NULL;
        Lease *refused = NULL;

        (void)state;
        for (size_t i = 0; i < AGENT_UIDS_MAX; ++i) {
                assert_int_equal(lease_new(&leases[i], agent, NULL), 0);
                assert_int_equal(lease_uid(leases[i]), UID_LEASE_BASE + i);
        }
        assert_true(lease_new(&refused, agent, &failure) < 0);
        assert_null(refused);
        assert_string_equal(failure.text, "every uid is leased");
        assert_null(lease_free(leases[7]));
        assert_int_equal(lease_new(&leases[7], agent, NULL), 0);
        assert_int_equal(lease_uid(leases[7]), UID_LEASE_BASE + 7);
        for (size_t i = 0; i < AGENT_UIDS_MAX; ++i)
                assert_null(lease_free(leases[i]));
        for (size_t i = 0; i < AGENT_UIDS_MAX; ++i)
                assert_false(agent->uid_is_leased[i]);
}

static void test_gives_back(void **state) {
        _cleanup_(freep) Agent *agent = agent_with_uids(false);
        Lease *lease = NULL;
        char path[sizeof(lease->work_dir.path)];
        struct stat info;

        (void)state;
        assert_int_equal(lease_new(&lease, agent, NULL), 0);
        assert_int_equal(work_dir_init(&lease->work_dir, UID_STAY, NULL), 0);
        for (size_t i = 0; i < sizeof(path); ++i)
                path[i] = lease->work_dir.path[i];
        assert_int_equal(stat(path, &info), 0);
        assert_null(lease_free(lease));
        assert_int_equal(stat(path, &info), -1);
        assert_null(lease_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_without_uids),
                cmocka_unit_test(test_uids),
                cmocka_unit_test(test_gives_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
