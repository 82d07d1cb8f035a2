/* SPDX-License-Identifier: MIT */
/*
 * What a ruleset does not name it does not refuse, so it names all rights that the kernel and we
 * both know. The structures and numbers are our own: headers are often older than kernels. A kernel
 * takes a structure longer than its own as long as the rest is zero.
 *
 * Landlock does not know chmod(2), chown(2), utimensat(2), setxattr(2) and all that only looks at
 * names (stat, readlink, access): those are left to read-only mounts, the uid and seccomp. ABI 1
 * refuses to rename or link from one directory to another (EXDEV).
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/landlock.h"
#include "sandbox/trial.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define LANDLOCK_VERSION      (1u << 0) /* asks for the ABI instead of making a ruleset */
#define LANDLOCK_PATH_BENEATH 1u

enum {
        FS_EXECUTE = 1 << 0,
        FS_WRITE_FILE = 1 << 1,
        FS_READ_FILE = 1 << 2,
        FS_READ_DIR = 1 << 3,
        FS_REMOVE_DIR = 1 << 4,
        FS_REMOVE_FILE = 1 << 5,
        FS_MAKE_CHAR = 1 << 6,
        FS_MAKE_DIR = 1 << 7,
        FS_MAKE_REG = 1 << 8,
        FS_MAKE_SOCK = 1 << 9,
        FS_MAKE_FIFO = 1 << 10,
        FS_MAKE_BLOCK = 1 << 11,
        FS_MAKE_SYM = 1 << 12,
        FS_REFER = 1 << 13,
        FS_TRUNCATE = 1 << 14,
        FS_IOCTL_DEV = 1 << 15,
};

enum {
        TCP_BIND = 1 << 0,
        TCP_CONNECT = 1 << 1,
};

enum {
        SCOPE_ABSTRACT_SOCKETS = 1 << 0,
        SCOPE_SIGNALS = 1 << 1,
};

enum {
        RESTRICT_LOG_SAME_EXEC_OFF = 1 << 0,
        RESTRICT_LOG_SUBDOMAINS_OFF = 1 << 2,
};

/* A rule for a file may name no other rights. */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

typedef struct LandlockRulesetAttr {
        uint64_t handled_files, handled_tcp, scopes;
} LandlockRulesetAttr;

typedef struct _packed_ LandlockPathAttr {
        uint64_t allowed;
        int32_t parent_fd;
} LandlockPathAttr;

/* What each ABI has brought. */
static const LandlockRights brought[] = {
        [1] = {.files = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_DIR |
                        FS_REMOVE_FILE | FS_MAKE_CHAR | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK |
                        FS_MAKE_FIFO | FS_MAKE_BLOCK | FS_MAKE_SYM},
        [2] = {.files = FS_REFER},
        [3] = {.files = FS_TRUNCATE},
        [4] = {.tcp = TCP_BIND | TCP_CONNECT},
        [5] = {.files = FS_IOCTL_DEV},
        [6] = {.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS},
        [7] = {.quiet = RESTRICT_LOG_SAME_EXEC_OFF | RESTRICT_LOG_SUBDOMAINS_OFF},
};

static const uint64_t granted[_LANDLOCK_ACCESS_N] = {
        [LANDLOCK_LIST] = FS_READ_DIR,
        [LANDLOCK_READ] = FS_READ_DIR | FS_READ_FILE,
        [LANDLOCK_RUN] = FS_READ_DIR | FS_READ_FILE | FS_EXECUTE,
        [LANDLOCK_WRITE] = FS_READ_DIR | FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE |
                           FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
                           FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER,
        [LANDLOCK_DEVICE] = FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV,
};

LandlockRights landlock_rights_handled(int abi, bool network) {
        LandlockRights rights = {0};

        for (int i = 1; i <= abi && i < (int)ARRAY_SIZE(brought); ++i) {
                rights.files |= brought[i].files;
                rights.tcp |= brought[i].tcp;
                rights.scopes |= brought[i].scopes;
                rights.quiet |= brought[i].quiet;
        }
        if (network)
                rights.tcp = 0;
        return rights;
}

uint64_t landlock_rights_granted(int abi, LandlockAccess access) {
        return granted[access] & landlock_rights_handled(abi, false).files;
}

int landlock_abi(void) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

        return abi > 0 ? (int)abi : 0;
}

bool landlock_scopes_signals(void) {
        return landlock_rights_handled(landlock_abi(), false).scopes & SCOPE_SIGNALS;
}

int landlock_ruleset_new(int *fdp, bool network, Failure *failure) {
        LandlockRights rights = landlock_rights_handled(landlock_abi(), network);
        LandlockRulesetAttr attr = {rights.files, rights.tcp, rights.scopes};
        long fd;

        if (!rights.files)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, ENOSYS,
                                   "this kernel has no Landlock, or it is switched off");
        /* born close-on-exec */
        fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0u);
        if (fd < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot make a Landlock ruleset");
        *fdp = (int)fd;
        return 0;
}

static int landlock_add_path(int ruleset_fd, int path_fd, uint64_t rights) {
        LandlockPathAttr attr = {.allowed = rights, .parent_fd = path_fd};

        return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_PATH_BENEATH, &attr, 0u) < 0
                       ? -errno
                       : 0;
}

int landlock_ruleset_allow(int ruleset_fd, int path_fd, LandlockAccess access, Failure *failure) {
        uint64_t rights = landlock_rights_granted(landlock_abi(), access);
        int r;

        r = landlock_add_path(ruleset_fd, path_fd, rights);
        if (r == -EINVAL && (rights & FS_OF_FILES)) /* no directory, then */
                r = landlock_add_path(ruleset_fd, path_fd, rights & FS_OF_FILES);
        return r ? failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot add a Landlock rule")
                 : 0;
}

int landlock_ruleset_enforce(int ruleset_fd, Failure *failure) {
        /* without these flags the code could fill the host's audit log with its refused attempts */
        uint64_t quiet = landlock_rights_handled(landlock_abi(), false).quiet;

        if (syscall(SYS_landlock_restrict_self, ruleset_fd, (unsigned int)quiet) < 0)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno,
                                   "cannot enforce the Landlock ruleset");
        return 0;
}

/* In a child: whether the root directory opens before and is refused after. */
static bool landlock_try(void) {
        _cleanup_(closep) int before = -1, after = -1, ruleset_fd = -1;

        before = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (before < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return false;
        if (landlock_ruleset_new(&ruleset_fd, false, NULL) ||
            landlock_ruleset_enforce(ruleset_fd, NULL))
                return false;
        after = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return after < 0 && errno == EACCES;
}

int landlock_probe(void) {
        return landlock_abi() ? trial_run(landlock_try) : 0;
}
