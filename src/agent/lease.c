/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/lease.h"
#include "base/failure.h"
#include "sandbox/credentials.h"
#include "sandbox/sysv-ipc.h"

static int lease_take_uid(Lease *lease) {
        Agent *agent = lease->agent;

        if (!agent->leases_uids)
                return 0;
        for (int slot = 0; slot < AGENT_UIDS_MAX; ++slot) {
                if (agent->uid_is_leased[slot])
                        continue;
                agent->uid_is_leased[slot] = true;
                lease->uid_slot = slot;
                return 0;
        }
        return -EAGAIN;
}

int lease_new(Lease **leasep, Agent *agent, Failure *failure) {
        _cleanup_(lease_freep) Lease *lease = NULL;

        lease = calloc(1, sizeof(*lease));
        if (!lease)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        lease->agent = agent;
        lease->uid_slot = -1;
        lease->work_dir = WORK_DIR_NULL;
        if (lease_take_uid(lease))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, EAGAIN, "every uid is leased");
        *leasep = take_ptr(&lease);
        return 0;
}

Lease *lease_free(Lease *lease) {
        if (!lease)
                return NULL;
        work_dir_deinit(&lease->work_dir);
        if (lease->uid_slot >= 0) {
                if (lease->used && lease->owns_ipc)
                        sysv_ipc_remove_of(lease_uid(lease));
                lease->agent->uid_is_leased[lease->uid_slot] = false;
        }
        free(lease);
        return NULL;
}

uint32_t lease_uid(const Lease *lease) {
        return lease->uid_slot < 0 ? UID_STAY : UID_LEASE_BASE + (uint32_t)lease->uid_slot;
}
