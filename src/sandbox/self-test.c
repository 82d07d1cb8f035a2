/* SPDX-License-Identifier: MIT */
/*
 * What is tried must be told apart from what fails anyway: each question has an answer that only
 * the layer gives. unshare(0) does nothing and always succeeds, io_uring_setup(0, NULL) and
 * execve(NULL) are EINVAL and EFAULT, where no filter is in the way.
 *
 * The filter has to let through: capget, close, getegid, geteuid, getgid, getgroups, getpid,
 * getppid, getuid, openat, prctl (PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP), prlimit64
 * on itself, statfs and uname.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/rlimits.h"
#include "sandbox/self-test.h"
#include "sandbox/view.h"

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

/* struct statfs.f_flags, which is not the one of mount(2) */
#define ST_READ_ONLY 0x1
#define ST_NO_SUID   0x2
#define ST_NO_DEV    0x4
#define ST_NO_EXEC   0x8

typedef struct SelfTestRow {
        Layer layer;
        bool (*holds)(const SelfTestPlan *plan);
        const char *text;
} SelfTestRow;

/* What opening @path answers: 0 or an errno. */
static int self_test_open(const char *path, int flags) {
        _cleanup_(closep) int fd = -1;

        fd = openat(AT_FDCWD, path, flags | O_CLOEXEC, 0600);
        return fd < 0 ? errno : 0;
}

/* Whether a system call came to a filter, and not to the kernel. */
static bool self_test_refused(long result) {
        return result < 0 && (errno == EPERM || errno == ENOSYS);
}

static bool self_test_is_tmpfs(const char *path, long flags) {
        struct statfs info = {0};

        return syscall(SYS_statfs, path, &info) == 0 && info.f_type == TMPFS_MAGIC &&
               ((long)info.f_flags & flags) == flags;
}

/* The zygote, our parent, is outside, and PID 1 is somebody else. */
static bool self_test_pid_namespace(const SelfTestPlan *plan _unused_) {
        return syscall(SYS_getppid) == 0 && getpid() > 1;
}

static bool self_test_root(const SelfTestPlan *plan _unused_) {
        int error = self_test_open("/.spr-self-test", O_WRONLY | O_CREAT | O_EXCL);

        return self_test_is_tmpfs("/", ST_READ_ONLY | ST_NO_SUID | ST_NO_DEV) &&
               (error == EROFS || error == EACCES);
}

static bool self_test_tmp(const SelfTestPlan *plan _unused_) {
        return self_test_is_tmpfs("/tmp", ST_NO_EXEC | ST_NO_SUID | ST_NO_DEV);
}

static bool self_test_proc(const SelfTestPlan *plan) {
        /* Landlock does not mind O_PATH: this is about what is there */
        return plan->proc || self_test_open("/proc/self", O_PATH) == ENOENT;
}

static bool self_test_uts_namespace(const SelfTestPlan *plan _unused_) {
        struct utsname names = {0};

        return syscall(SYS_uname, &names) == 0 && !strcmp(names.nodename, "sandbox");
}

static bool self_test_uid(const SelfTestPlan *plan) {
        static const long calls[] = {SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid};

        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                if (syscall(calls[i]) != (long)plan->uid)
                        return false;
        return plan->uid != 0 && syscall(SYS_getgroups, 0, NULL) == 0;
}

static bool self_test_capabilities(const SelfTestPlan *plan _unused_) {
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct sets[2] = {0};

        if (syscall(SYS_capget, &header, sets) < 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(sets); ++i)
                if (sets[i].effective | sets[i].permitted | sets[i].inheritable)
                        return false;
        return true;
}

static bool self_test_no_new_privs(const SelfTestPlan *plan _unused_) {
        return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static bool self_test_undumpable(const SelfTestPlan *plan _unused_) {
        return prctl(PR_GET_DUMPABLE) == 0;
}

static bool self_test_rlimits(const SelfTestPlan *plan) {
        return plan->rlimits && rlimit_plan_holds(plan->rlimits);
}

static bool self_test_landlock(const SelfTestPlan *plan) {
        const char *path = plan->view ? VIEW_DECOY : "/";

        return self_test_open(path, O_RDONLY) == EACCES;
}

static bool self_test_seccomp(const SelfTestPlan *plan _unused_) {
        return prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
}

static bool self_test_filter(const SelfTestPlan *plan) {
        return self_test_refused(syscall(SYS_unshare, 0)) &&
               self_test_refused(syscall(SYS_io_uring_setup, 0u, NULL)) &&
               (plan->processes || self_test_refused(syscall(SYS_execve, NULL, NULL, NULL)));
}

static const SelfTestRow rows[] = {
        {LAYER_PID_NAMESPACE, self_test_pid_namespace,
         "layer 'pid_namespace' does not hold: the run can see its parent, or is PID 1"},
        {LAYER_MOUNT_NAMESPACE, self_test_root,
         "layer 'mount_namespace' does not hold: the root is not our read-only tree"},
        {LAYER_MOUNT_NAMESPACE, self_test_tmp,
         "layer 'mount_namespace' does not hold: /tmp is not a private one"},
        {LAYER_MOUNT_NAMESPACE, self_test_proc,
         "layer 'mount_namespace' does not hold: there is a /proc that nobody asked for"},
        {LAYER_UTS_NAMESPACE, self_test_uts_namespace,
         "layer 'uts_namespace' does not hold: the host's name shows"},
        {LAYER_UID, self_test_uid,
         "layer 'uid' does not hold: the run has another uid, gid or groups"},
        {LAYER_CAPABILITIES, self_test_capabilities,
         "layer 'capabilities' does not hold: the run has some"},
        {LAYER_NO_NEW_PRIVS, self_test_no_new_privs,
         "layer 'no_new_privs' does not hold: it is not set"},
        {LAYER_RLIMITS, self_test_rlimits,
         "layer 'rlimits' does not hold: a limit is higher than planned"},
        {LAYER_UNDUMPABLE, self_test_undumpable,
         "layer 'undumpable' does not hold: the run can be dumped"},
        {LAYER_LANDLOCK, self_test_landlock,
         "layer 'landlock' does not hold: what no rule names can be opened"},
        {LAYER_SECCOMP, self_test_seccomp, "layer 'seccomp' does not hold: there is no filter"},
        {LAYER_SECCOMP, self_test_filter,
         "layer 'seccomp' does not hold: a system call came through the filter"},
};

int self_test(const SelfTestPlan *plan, LayerSet claimed, Failure *failure) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if ((claimed & LAYER_BIT(rows[i].layer)) && !rows[i].holds(plan))
                        return failure_lit(failure, FAILURE_STAGE_SANDBOX, EPERM, rows[i].text);
        return 0;
}
