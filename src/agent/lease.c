/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/lease.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/credentials.h"
#include "sandbox/sysv-ipc.h"

#define LEASE_CLEAN_NS                                                                             \
        (2 * NSEC_PER_MSEC) /* at once; the rest when there is nothing else to do                  \
                             */

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
        list_init(&lease->cleaning);
        lease->work_dir = WORK_DIR_NULL;
        if (lease_take_uid(lease))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, EAGAIN, "every uid is leased");
        *leasep = take_ptr(&lease);
        return 0;
}

bool lease_use(Lease *lease) {
        if (!lease->work_dir.all_of_tmp)
                return true;
        if (lease->agent->tmp_lease && lease->agent->tmp_lease != lease)
                return false;
        lease->agent->tmp_lease = lease;
        return true;
}

/* Of a /tmp that is shared, only who has run there has left anything. */
static bool lease_remove_work_dir(Lease *lease, uint64_t until_ns) {
        Agent *agent = lease->agent;

        if (lease->work_dir.all_of_tmp && agent->tmp_lease != lease) {
                lease->work_dir.fd = fd_close(lease->work_dir.fd);
                return true;
        }
        if (!work_dir_remove(&lease->work_dir, until_ns))
                return false;
        if (agent->tmp_lease == lease) {
                agent->tmp_lease = NULL;
                agent_tmp_is_free(agent);
        }
        return true;
}

/* Returns whether it is gone. */
static bool lease_end(Lease *lease, uint64_t until_ns) {
        disk_watch_deinit(&lease->disk);
        if (!lease_remove_work_dir(lease, until_ns))
                return false;
        if (lease->uid_slot >= 0) {
                if (lease->used && lease->owns_ipc)
                        sysv_ipc_remove_of(lease_uid(lease));
                lease->agent->uid_is_leased[lease->uid_slot] = false;
        }
        list_remove(&lease->cleaning);
        free(lease);
        return true;
}

Lease *lease_free(Lease *lease) {
        if (lease && !lease_end(lease, clock_now_ns() + LEASE_CLEAN_NS))
                list_append(&lease->agent->cleaning, &lease->cleaning);
        return NULL;
}

bool lease_clean(Agent *agent, uint64_t until_ns) {
        list_for_each(link, &agent->cleaning) {
                if (!lease_end(container_of(link, Lease, cleaning), until_ns))
                        return true;
        }
        return false;
}

uint32_t lease_uid(const Lease *lease) {
        return lease->uid_slot < 0 ? UID_STAY : UID_LEASE_BASE + (uint32_t)lease->uid_slot;
}
