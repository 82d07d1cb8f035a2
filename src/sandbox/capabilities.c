/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failure.h"
#include "sandbox/capabilities.h"

typedef struct CapabilitySets {
        struct __user_cap_data_struct words[2];
} CapabilitySets;

#define CAPABILITY_LIMIT 64

static int capability_sets_get(CapabilitySets *sets) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

        return syscall(SYS_capget, &header, sets->words) < 0 ? -errno : 0;
}

static int capability_sets_set(const CapabilitySets *sets) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

        return syscall(SYS_capset, &header, sets->words) < 0 ? -errno : 0;
}

bool capabilities_have(unsigned int capability) {
        CapabilitySets sets = {0};

        if (capability_sets_get(&sets))
                return false;
        return sets.words[capability / 32].effective & (UINT32_C(1) << (capability % 32));
}

int capabilities_keep_over_exec(Failure *failure) {
        CapabilitySets sets = {0};
        int r;

        r = capability_sets_get(&sets);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot read capabilities");
        for (unsigned int i = 0; i < 2; ++i)
                sets.words[i].inheritable = sets.words[i].permitted;
        r = capability_sets_set(&sets);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot keep capabilities");
        for (unsigned int c = 0; c < CAPABILITY_LIMIT; ++c) {
                if (!(sets.words[c / 32].permitted & (UINT32_C(1) << (c % 32))))
                        continue;
                if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                           "cannot raise ambient capabilities");
        }
        return 0;
}

static int capabilities_read_back(Failure *failure) {
        CapabilitySets sets = {0};
        int r;

        r = capability_sets_get(&sets);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot read capabilities");
        for (unsigned int i = 0; i < 2; ++i)
                if (sets.words[i].effective | sets.words[i].permitted | sets.words[i].inheritable)
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, EPERM,
                                           "capabilities are still there after dropping them");
        return 0;
}

void capabilities_drop_bounding(void) {
        for (unsigned int c = 0; c < CAPABILITY_LIMIT; ++c)
                if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
                        return; /* not allowed, or past the last one */
}

int capabilities_drop(Failure *failure) {
        static const CapabilitySets none;
        int r;

        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* read back below */
        r = capability_sets_set(&none);
        if (r)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot drop capabilities");
        return capabilities_read_back(failure);
}
