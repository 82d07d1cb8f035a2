#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * What the seccomp filters are to answer, written down apart from the rules that they are made of
 *
 * A call is in one of the lists below or answers EPERM. Numbers come by name, so that the lists
 * serve all architectures.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "sandbox/seccomp.h"

#define EXPECTED_NEWEST 446

typedef struct Caller {
        SeccompProfile profile;
        uint32_t self;
        uint32_t group; /* -self, but for filters that still hold placeholders */
} Caller;

/* The low halves of the arguments. */
typedef bool (*ExpectedFn)(const Caller *caller, const uint32_t *args);

static inline bool caller_has_processes(const Caller *caller) {
        return caller->profile == SECCOMP_PROCESSES || caller->profile == SECCOMP_PROCESSES_NETWORK;
}

static inline bool caller_has_network(const Caller *caller) {
        return caller->profile == SECCOMP_NETWORK || caller->profile == SECCOMP_PROCESSES_NETWORK;
}

static const char expected_everywhere[] =
        " access alarm brk capget chdir chmod clock_getres clock_gettime clock_nanosleep close dup "
        "dup2 epoll_create1 epoll_ctl epoll_wait eventfd2 exit exit_group fchdir fchmod fdatasync "
        "fstat fstatfs fsync ftruncate futex getcwd getdents64 getegid geteuid getgid getgroups "
        "getitimer "
        "getpeername getpgrp getpid getppid getrandom getrusage getsockname gettid gettimeofday "
        "getuid link lseek lstat mkdir mremap msync munmap nanosleep newfstatat open openat pause "
        "pipe2 poll pread64 pselect6 pwrite64 read readlink readv recvfrom recvmsg rename "
        "restart_syscall rmdir rseq rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait "
        "sched_getaffinity sched_yield select sendmsg sendto set_robust_list setitimer shutdown "
        "sigaltstack stat statfs symlink sysinfo times umask uname unlink unlinkat utimensat write "
        "writev ";

/* In the default profile only where the older name before the colon does not exist. */
static const char expected_newer[] =
        " access:faccessat access:faccessat2 chmod:fchmodat dup2:dup3 epoll_wait:epoll_pwait "
        "link:linkat mkdir:mkdirat pause:ppoll readlink:readlinkat rename:renameat "
        "rename:renameat2 symlink:symlinkat ";

static const char expected_with_processes[] =
        " close_range execve fadvise64 fork getcpu getpgid getresgid getresuid getrlimit "
        "getsid kill pipe preadv pwritev rt_sigpending rt_sigsuspend set_tid_address setpgid "
        "setsid "
        "statx tgkill time truncate vfork wait4 waitid ";

static const char expected_with_sockets[] = " accept accept4 bind connect getsockopt listen ";

static const struct {
        const char *name;
        int error;
} expected_errors[] = {
        {"clone3", ENOSYS},           {"close_range", ENOSYS},
        {"copy_file_range", EXDEV},   {"dup3", ENOSYS},
        {"epoll_pwait", ENOSYS},      {"epoll_pwait2", ENOSYS},
        {"execveat", ENOSYS},         {"faccessat2", ENOSYS},
        {"fallocate", EOPNOTSUPP},    {"flock", ENOSYS},
        {"fgetxattr", EOPNOTSUPP},    {"flistxattr", EOPNOTSUPP},
        {"fremovexattr", EOPNOTSUPP}, {"fsetxattr", EOPNOTSUPP},
        {"getxattr", EOPNOTSUPP},     {"lgetxattr", EOPNOTSUPP},
        {"listxattr", EOPNOTSUPP},    {"llistxattr", EOPNOTSUPP},
        {"lremovexattr", EOPNOTSUPP}, {"lsetxattr", EOPNOTSUPP},
        {"removexattr", EOPNOTSUPP},  {"setxattr", EOPNOTSUPP},

        {"get_mempolicy", ENOSYS},    {"mbind", ENOSYS},
        {"membarrier", ENOSYS},       {"openat2", ENOSYS},
        {"pidfd_open", ENOSYS},       {"preadv2", ENOSYS},
        {"pwritev2", ENOSYS},         {"renameat2", ENOSYS},
        {"sendfile", ENOTSOCK},       {"sendmmsg", ENOSYS},
        {"set_mempolicy", ENOSYS},    {"statx", ENOSYS},
        {"timer_create", ENOSYS},     {"wait4", ECHILD},
        {"waitid", ECHILD},
};

static inline bool expect_arch_prctl(const Caller *caller, const uint32_t *args) {
        return caller_has_processes(caller) && args[0] == 0x1002; /* ARCH_SET_FS */
}

static inline bool expect_clone(const Caller *caller, const uint32_t *args) {
        if (args[0] & (0x7e020000 | CLONE_PARENT)) /* CLONE_NEW… */
                return false;
        return caller_has_processes(caller) || args[0] & CLONE_THREAD;
}

static inline bool expect_fcntl(const Caller *caller _unused_, const uint32_t *args) {
        switch (args[1]) {
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
        case F_GETFD:
        case F_SETFD:
        case F_GETFL:
        case 5: /* F_GETLK, F_SETLK and F_SETLKW, which are macros with a will of their own */
        case 6:
        case 7:
        case F_GETPIPE_SZ:
                return true;
        case F_SETFL:
                return !(args[2] & O_ASYNC);
        default:
                return false;
        }
}

static inline bool expect_ioctl(const Caller *caller _unused_, const uint32_t *args) {
        static const uint32_t commands[] = {
                0x541b,     /* FIONREAD */
                0x5421,     /* FIONBIO */
                0x5450,     /* FIONCLEX */
                0x5451,     /* FIOCLEX */
                0x5401,     /* TCGETS */
                0x802c542a, /* TCGETS2 */
                0x540f,     /* TIOCGPGRP */
                0x5413,     /* TIOCGWINSZ */
        };

        for (size_t i = 0; i < ARRAY_SIZE(commands); ++i)
                if (args[1] == commands[i])
                        return true;
        return false;
}

static inline bool expect_kill(const Caller *caller, const uint32_t *args) {
        return caller_has_processes(caller) || args[0] == caller->self || args[0] == 0 ||
               args[0] == caller->group;
}

static inline bool expect_madvise(const Caller *caller _unused_, const uint32_t *args) {
        return args[2] <= 4 || args[2] == 8 || (args[2] >= 10 && args[2] <= 11) ||
               (args[2] >= 14 && args[2] <= 19) || (args[2] >= 22 && args[2] <= 23);
}

static inline bool expect_mknod(const Caller *caller, const uint32_t *args) {
        return caller_has_processes(caller) && (args[1] & 0xf000) == S_IFIFO;
}

static inline bool expect_mknodat(const Caller *caller _unused_, const uint32_t *args) {
        return (args[2] & 0xf000) == S_IFIFO;
}

static inline bool expect_mmap(const Caller *caller _unused_, const uint32_t *args) {
        if (!(args[2] & PROT_EXEC))
                return true;
        return !(args[2] & PROT_WRITE) && !(args[3] & MAP_ANONYMOUS);
}

static inline bool expect_mprotect(const Caller *caller _unused_, const uint32_t *args) {
        return !(args[2] & PROT_EXEC);
}

static inline bool expect_self(const Caller *caller, const uint32_t *args) {
        return args[0] == 0 || args[0] == caller->self;
}

static inline bool expect_getpgid(const Caller *caller, const uint32_t *args) {
        return caller_has_processes(caller) || expect_self(caller, args);
}

static inline bool expect_prctl(const Caller *caller _unused_, const uint32_t *args) {
        switch (args[0]) {
        case PR_GET_DUMPABLE:
        case PR_GET_NAME:
        case PR_GET_NO_NEW_PRIVS:
        case PR_GET_PDEATHSIG:
        case PR_GET_SECCOMP:
        case PR_SET_NAME:
        case 0x53564d41: /* PR_SET_VMA */
                return true;
        default:
                return false;
        }
}

/* Of a process, and that itself. */
static inline bool expect_priority(const Caller *caller, const uint32_t *args) {
        return args[0] == 0 && (args[1] == 0 || args[1] == caller->self);
}

static inline bool expect_sendmmsg(const Caller *caller, const uint32_t *args _unused_) {
        return caller_has_network(caller);
}

static inline bool expect_socket(const Caller *caller, const uint32_t *args) {
        uint32_t type = args[1] & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (args[0] == AF_UNIX)
                return caller_has_processes(caller);
        if (!caller_has_network(caller) || (args[0] != AF_INET && args[0] != AF_INET6))
                return false;
        return (type == SOCK_STREAM && (args[2] == 0 || args[2] == 6)) ||
               (type == SOCK_DGRAM && (args[2] == 0 || args[2] == 17));
}

static inline bool expect_setsockopt(const Caller *caller, const uint32_t *args) {
        static const uint32_t options[] = {2, 6, 9, 10, 13, 15, 16, 18, 20, 21};

        if (!caller_has_processes(caller) && !caller_has_network(caller))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(options); ++i)
                if (args[2] == options[i])
                        return true;
        return args[1] == 0 || args[1] == 6 || args[1] == 17 || args[1] == 41;
}

static inline bool expect_socketpair(const Caller *caller _unused_, const uint32_t *args) {
        uint32_t type = args[1] & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);

        return args[0] == AF_UNIX && (type == SOCK_STREAM || type == SOCK_SEQPACKET);
}

static inline bool expect_tgkill(const Caller *caller, const uint32_t *args) {
        return caller_has_processes(caller) || args[0] == caller->self;
}

static inline bool expect_tkill(const Caller *caller, const uint32_t *args) {
        return args[0] == caller->self;
}

static const struct {
        const char *name;
        ExpectedFn allows;
} expected_conditions[] = {
        {"arch_prctl", expect_arch_prctl},
        {"clone", expect_clone},
        {"fcntl", expect_fcntl},
        {"getpgid", expect_getpgid},
        {"getpriority", expect_priority},
        {"ioctl", expect_ioctl},
        {"kill", expect_kill},
        {"madvise", expect_madvise},
        {"mknod", expect_mknod},
        {"mknodat", expect_mknodat},
        {"mmap", expect_mmap},
        {"mprotect", expect_mprotect},
        {"prctl", expect_prctl},
        {"prlimit64", expect_self},
        {"sendmmsg", expect_sendmmsg},
        {"setpriority", expect_priority},
        {"socket", expect_socket},
        {"setsockopt", expect_setsockopt},
        {"socketpair", expect_socketpair},
        {"tgkill", expect_tgkill},
        {"tkill", expect_tkill},
};

static inline bool expected_lists(const char *list, const char *name) {
        size_t length = strlen(name);

        for (const char *found = list; (found = strstr(found, name)); found += length)
                if (found[-1] == ' ' && found[length] == ' ')
                        return true;
        return false;
}

static inline ExpectedFn expected_condition(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(expected_conditions); ++i)
                if (!strcmp(expected_conditions[i].name, name))
                        return expected_conditions[i].allows;
        return NULL;
}

static inline int expected_error(const char *name, const uint32_t *args) {
        if (!strcmp(name, "ioctl"))
                return args[1] == 0x40049409 ? EOPNOTSUPP : EPERM; /* FICLONE */
        for (size_t i = 0; i < ARRAY_SIZE(expected_errors); ++i)
                if (!strcmp(expected_errors[i].name, name))
                        return expected_errors[i].error;
        return EPERM;
}
