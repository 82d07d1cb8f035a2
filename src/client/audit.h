#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Audit: the log that an engine writes, a line for each run
 *
 * Written by the host alone: no byte of it comes from a worker but those that stand in the result.
 * Any number of engines and processes may share one file: each line is appended with one write
 * under flock(2), after a look at where the file ends now. A file that was moved away is left, and
 * the first line of the new one names the last line of the old.
 *
 * Fail-closed: where no line can be written there is no run, and where a run's line could not be
 * written there is no result.
 *
 * Guarded by the lock of its engine.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/failure.h"
#include "client/audit-line.h"

typedef struct Audit Audit;

#define AUDIT_LOCK_TIMEOUT_NS UINT64_C(5000000000)

struct Audit {
        char *path; /* NULL: a descriptor was given, and is never changed */
        int fd;
        bool regular; /* else nobody can look where it ends: it is this engine's alone */
        bool known;   /* @tip is where it ended when it was @size bytes long */
        dev_t device;
        ino_t inode;
        uint64_t size;
        AuditTip tip;
        uint64_t n_lost; /* lines of runs that could not be written */
};

/* The log at @path, which is made where there is none, or with NULL behind @fd, which is only
 * copied. All functions return 0, or -errno with FAILURE_STAGE_AUDIT and the words. */
int audit_new(Audit **auditp, const char *path, int fd, Failure *failure);
Audit *audit_free(Audit *audit);
/* Whether there is a log to write to, now; to be asked before a run. */
int audit_check(Audit *audit, Failure *failure);
int audit_write(Audit *audit,
                const AuditDigests *digests,
                const SprResult *result,
                Failure *failure);
/* In the child after fork(): flock(2) knows descriptions, not processes, so it needs its own. */
void audit_after_fork(Audit *audit);

DEFINE_CLEANUP(Audit *, audit_free)
