/* SPDX-License-Identifier: MIT */
/*
 * The plan as Landlock rules.
 *
 * A rule holds for an inode and all below it, by whatever mount it is reached: so the descriptors
 * are opened once in the zygote, before or after the view is applied, and serve every worker. In an
 * applied view programs lie in the stash, and there is a root of ours that may be listed; without
 * one the host's root stays closed.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/landlock.h"
#include "sandbox/view.h"

static int view_open(int *fdp, const char *path, Failure *failure) {
        int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return failure_errno(failure, FAILURE_STAGE_SANDBOX, errno,
                                     "cannot open '%.300s' for a Landlock rule", path);
        *fdp = fd;
        return 0;
}

int view_plan_open(ViewPlan *plan, Failure *failure) {
        int r = 0;

        for (size_t i = 0; !r && i < plan->n_entries; ++i) {
                ViewEntry *entry = &plan->entries[i];
                bool stashed = plan->applied && entry->stash;

                if (entry->kind != VIEW_SYMLINK)
                        r = view_open(&entry->fd, stashed ? entry->stash : entry->path, failure);
        }
        if (!r && plan->applied)
                r = view_open(&plan->root_fd, "/", failure);
        if (!r && plan->applied)
                r = view_open(&plan->etc_fd, "/etc", failure);
        return r;
}

/* Libraries are mapped, which is not execution to Landlock: only programs and the loader need it.
 */
static LandlockAccess view_entry_access(const ViewEntry *entry, bool programs) {
        if (entry->kind == VIEW_DEVICE)
                return LANDLOCK_DEVICE;
        return programs ? LANDLOCK_RUN : LANDLOCK_READ;
}

int view_plan_allow(const ViewPlan *plan, int ruleset_fd, bool programs, Failure *failure) {
        int r = 0;

        for (size_t i = 0; !r && i < plan->n_entries; ++i) {
                const ViewEntry *entry = &plan->entries[i];

                if (entry->kind == VIEW_SYMLINK || (entry->programs && !programs))
                        continue;
                r = landlock_ruleset_allow(ruleset_fd, entry->fd,
                                           view_entry_access(entry, programs), failure);
        }
        if (!r && plan->root_fd >= 0)
                r = landlock_ruleset_allow(ruleset_fd, plan->root_fd, LANDLOCK_LIST, failure);
        if (!r && plan->etc_fd >= 0)
                r = landlock_ruleset_allow(ruleset_fd, plan->etc_fd, LANDLOCK_READ, failure);
        return r;
}
