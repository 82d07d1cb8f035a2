/* SPDX-License-Identifier: MIT */
/*
 * What is not here answers EPERM, so that Python raises PermissionError. A call is here because
 * CPython 3.9 to 3.14, on glibc or musl, or one of the usual packages, breaks without it; in the
 * default profile no more than 110 may reach the kernel.
 *
 * The conditions close what neither Landlock nor a namespace closes on hosts that grant us no
 * namespaces: other runs are in sight there, and may have the same uid.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "sandbox/generate/seccomp-rules.h"

/* Of x86 headers only. */
#define ARCH_SET_FS 0x1002

#define CLONE_NEW                                                                                  \
        (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
         CLONE_NEWPID | CLONE_NEWNET)
#define SOCKET_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

#define IS(argument, value)                                                                        \
        { argument, UINT32_MAX, (uint32_t)(value) }
#define HAS_NONE_OF(argument, mask)                                                                \
        { argument, (uint32_t)(mask), 0 }
#define MASKED(argument, mask, value)                                                              \
        { argument, (uint32_t)(mask), (uint32_t)(value) }
/* From @first, a multiple of @n, a power of two. */
#define ONE_OF(argument, first, n) MASKED(argument, ~(uint32_t)((n)-1), first)

#define ALWAYS(name)                                                                               \
        { name, SECCOMP_IN_ALL, {{0}}, 0 }
#define WITH(profiles, name)                                                                       \
        { name, SECCOMP_WITH_##profiles, {{0}}, 0 }
#define IF(name, ...)                                                                              \
        { name, SECCOMP_IN_ALL, {__VA_ARGS__}, 0 }
#define WITH_IF(profiles, name, ...)                                                               \
        { name, SECCOMP_WITH_##profiles, {__VA_ARGS__}, 0 }
#define WITHOUT_IF(profiles, name, ...)                                                            \
        { name, SECCOMP_WITHOUT_##profiles, {__VA_ARGS__}, 0 }
#define ANSWER(error, name)                                                                        \
        { name, SECCOMP_IN_ALL, {{0}}, error }
#define ANSWER_IF(error, name, ...)                                                                \
        { name, SECCOMP_IN_ALL, {__VA_ARGS__}, error }

/* TCP and UDP. No raw and no ICMP sockets, no SCTP, no MPTCP; no netlink either, which
 * getaddrinfo() can do without. */
#define INTERNET_SOCKET(family)                                                                    \
        WITH_IF(NETWORK, "socket", IS(0, family), MASKED(1, ~SOCKET_FLAGS, SOCK_STREAM),           \
                IS(2, 0)),                                                                         \
                WITH_IF(NETWORK, "socket", IS(0, family), MASKED(1, ~SOCKET_FLAGS, SOCK_STREAM),   \
                        IS(2, IPPROTO_TCP)),                                                       \
                WITH_IF(NETWORK, "socket", IS(0, family), MASKED(1, ~SOCKET_FLAGS, SOCK_DGRAM),    \
                        IS(2, 0)),                                                                 \
                WITH_IF(NETWORK, "socket", IS(0, family), MASKED(1, ~SOCKET_FLAGS, SOCK_DGRAM),    \
                        IS(2, IPPROTO_UDP))

#define SOCKET_OPTION_OF(level) WITH_IF(SOCKETS, "setsockopt", IS(1, level))
/* Of whatever level: where rules of one condition and of two meet, libseccomp 2.5 forgets to load
 * the argument that it compares. */
#define SOCKET_OPTION(option) WITH_IF(SOCKETS, "setsockopt", IS(2, option))

const SeccompRule seccomp_rules[] = {
        /* memory: nothing that was writable becomes executable, and nothing executable writable */
        ALWAYS("brk"),
        ALWAYS("mremap"),
        ALWAYS("msync"),
        ALWAYS("munmap"),
        IF("mmap", HAS_NONE_OF(2, PROT_EXEC)),
        IF("mmap", MASKED(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), HAS_NONE_OF(3, MAP_ANONYMOUS)),
        IF("mprotect", HAS_NONE_OF(2, PROT_EXEC)),
        IF("madvise", ONE_OF(2, MADV_NORMAL, 4)), /* to MADV_WILLNEED; not MADV_MERGEABLE, which */
        IF("madvise", IS(2, MADV_DONTNEED)),      /* shows what others have in memory, nor */
        IF("madvise", IS(2, MADV_FREE)),          /* MADV_PAGEOUT, which evicts what they use */
        IF("madvise", ONE_OF(2, MADV_DONTFORK, 2)),
        IF("madvise", ONE_OF(2, MADV_HUGEPAGE, 2)),
        IF("madvise", ONE_OF(2, MADV_DONTDUMP, 4)), /* to MADV_KEEPONFORK */
        IF("madvise", ONE_OF(2, MADV_POPULATE_READ, 2)),

        /* threads and the process itself */
        WITH_IF(PROCESSES, "clone", HAS_NONE_OF(0, CLONE_NEW | CLONE_PARENT)),
        WITHOUT_IF(PROCESSES,
                   "clone",
                   MASKED(0, CLONE_NEW | CLONE_PARENT | CLONE_THREAD, CLONE_THREAD)),
        ALWAYS("exit"),
        ALWAYS("exit_group"),
        ALWAYS("futex"),
        ALWAYS("rseq"),
        ALWAYS("set_robust_list"),
        ALWAYS("sched_getaffinity"),
        ALWAYS("sched_yield"),
        ALWAYS("capget"),
        ALWAYS("getegid"),
        ALWAYS("geteuid"),
        ALWAYS("getgid"),
        ALWAYS("getgroups"),
        IF("getpgid", IS(0, 0)),
        IF("getpgid", IS(0, SECCOMP_SELF)),
        ALWAYS("getpgrp"),
        ALWAYS("getpid"),
        ALWAYS("getppid"),
        ALWAYS("getrandom"),
        ALWAYS("getrusage"),
        ALWAYS("gettid"),
        ALWAYS("getuid"),
        ALWAYS("sysinfo"),
        ALWAYS("times"),
        ALWAYS("umask"),
        ALWAYS("uname"),
        IF("getpriority", IS(0, PRIO_PROCESS), IS(1, 0)),
        IF("getpriority", IS(0, PRIO_PROCESS), IS(1, SECCOMP_SELF)),
        IF("setpriority", IS(0, PRIO_PROCESS), IS(1, 0)),
        IF("setpriority", IS(0, PRIO_PROCESS), IS(1, SECCOMP_SELF)),
        IF("prlimit64", IS(0, 0)),
        IF("prlimit64", IS(0, SECCOMP_SELF)),
        IF("prctl", IS(0, PR_GET_DUMPABLE)),
        IF("prctl", IS(0, PR_GET_NAME)),
        IF("prctl", IS(0, PR_GET_NO_NEW_PRIVS)),
        IF("prctl", IS(0, PR_GET_PDEATHSIG)),
        IF("prctl", IS(0, PR_GET_SECCOMP)),
        IF("prctl", IS(0, PR_SET_NAME)),
        IF("prctl", IS(0, PR_SET_VMA)),

        /* signals */
        ALWAYS("alarm"),
        ALWAYS("getitimer"),
        ALWAYS("pause"),
        ALWAYS("restart_syscall"),
        ALWAYS("rt_sigaction"),
        ALWAYS("rt_sigprocmask"),
        ALWAYS("rt_sigreturn"),
        ALWAYS("rt_sigtimedwait"),
        ALWAYS("setitimer"),
        ALWAYS("sigaltstack"),
        WITH(PROCESSES, "kill"),
        WITH(PROCESSES, "tgkill"),
        WITHOUT_IF(PROCESSES, "kill", IS(0, SECCOMP_SELF)),
        WITHOUT_IF(PROCESSES, "kill", IS(0, 0)),
        WITHOUT_IF(PROCESSES, "kill", IS(0, SECCOMP_GROUP)),
        WITHOUT_IF(PROCESSES, "tgkill", IS(0, SECCOMP_SELF)),
        IF("tkill", IS(0, SECCOMP_SELF)), /* raise() and abort() of musl */

        /* time */
        ALWAYS("clock_getres"),
        ALWAYS("clock_gettime"),
        ALWAYS("clock_nanosleep"),
        ALWAYS("gettimeofday"),
        ALWAYS("nanosleep"),

        /* files by name */
        ALWAYS("access"),
        ALWAYS("chdir"),
        ALWAYS("chmod"),
        ALWAYS("fchdir"),
        ALWAYS("getcwd"),
        ALWAYS("link"),
        ALWAYS("lstat"),
        ALWAYS("mkdir"),
        ALWAYS("newfstatat"),
        ALWAYS("open"),
        ALWAYS("openat"),
        ALWAYS("readlink"),
        ALWAYS("rename"),
        ALWAYS("rmdir"),
        ALWAYS("stat"),
        ALWAYS("statfs"),
        ALWAYS("symlink"),
        ALWAYS("unlink"),
        ALWAYS("unlinkat"), /* shutil.rmtree() */
        ALWAYS("utimensat"),
        IF("mknodat", MASKED(2, S_IFMT, S_IFIFO)), /* mkfifo() */

        /* files by descriptor */
        ALWAYS("close"),
        ALWAYS("dup"),
        ALWAYS("dup2"),
        ALWAYS("fchmod"),
        ALWAYS("fdatasync"),
        ALWAYS("fstat"),
        ALWAYS("fstatfs"), /* posix_fallocate(), see below */
        ALWAYS("fsync"),
        ALWAYS("ftruncate"),
        ALWAYS("getdents64"),
        ALWAYS("lseek"),
        ALWAYS("pipe2"),
        ALWAYS("pread64"),
        ALWAYS("pwrite64"),
        ALWAYS("read"),
        ALWAYS("readv"),
        ALWAYS("write"),
        ALWAYS("writev"),
        IF("fcntl", ONE_OF(1, F_DUPFD, 2)), /* and F_GETFD */
        IF("fcntl", ONE_OF(1, F_SETFD, 2)), /* and F_GETFL */
        IF("fcntl", IS(1, F_SETFL), HAS_NONE_OF(2, O_ASYNC)),
        IF("fcntl", IS(1, F_GETLK)), /* sqlite; no leases, no locks of open files: those work on */
        IF("fcntl", ONE_OF(1, F_SETLK, 2)), /* what all runs may read. And F_SETLKW */
        IF("fcntl", IS(1, F_DUPFD_CLOEXEC)),
        IF("fcntl", IS(1, F_GETPIPE_SZ)),
        IF("ioctl", IS(1, FIONREAD)),
        IF("ioctl", IS(1, FIONBIO)),
        IF("ioctl", ONE_OF(1, FIONCLEX, 2)), /* and FIOCLEX */
        IF("ioctl", IS(1, TCGETS)),
        IF("ioctl", IS(1, TCGETS2)),
        IF("ioctl", IS(1, TIOCGPGRP)),
        IF("ioctl", IS(1, TIOCGWINSZ)),

        /* waiting */
        ALWAYS("epoll_create1"),
        ALWAYS("epoll_ctl"),
        ALWAYS("epoll_wait"),
        ALWAYS("eventfd2"),
        ALWAYS("poll"),
        ALWAYS("pselect6"),
        ALWAYS("select"),

        /* socket pairs, for asyncio; not of datagrams, which could be sent elsewhere than to the
           peer */
        IF("socketpair", IS(0, AF_UNIX), MASKED(1, ~SOCKET_FLAGS, SOCK_STREAM)),
        IF("socketpair", IS(0, AF_UNIX), MASKED(1, ~SOCKET_FLAGS, SOCK_SEQPACKET)),
        ALWAYS("getpeername"),
        ALWAYS("getsockname"),
        ALWAYS("recvfrom"),
        ALWAYS("recvmsg"),
        ALWAYS("sendmsg"),
        ALWAYS("sendto"),
        ALWAYS("shutdown"),

        /* sockets */
        WITH_IF(PROCESSES, "socket", IS(0, AF_UNIX)),
        INTERNET_SOCKET(AF_INET),
        INTERNET_SOCKET(AF_INET6),
        WITH(SOCKETS, "accept"),
        WITH(SOCKETS, "accept4"),
        WITH(SOCKETS, "bind"),
        WITH(SOCKETS, "connect"),
        WITH(SOCKETS, "getsockopt"),
        WITH(SOCKETS, "listen"),
        SOCKET_OPTION(SO_REUSEADDR), /* not SO_SNDBUF and SO_RCVBUF: what waits in sockets is */
        SOCKET_OPTION(SO_BROADCAST), /* memory of the kernel, which nobody counts without a */
        SOCKET_OPTION(SO_KEEPALIVE), /* control group */
        SOCKET_OPTION(SO_OOBINLINE),
        SOCKET_OPTION(SO_LINGER),
        SOCKET_OPTION(SO_REUSEPORT),
        SOCKET_OPTION(SO_PASSCRED),
        SOCKET_OPTION(SO_RCVLOWAT),
        SOCKET_OPTION(SO_RCVTIMEO),
        SOCKET_OPTION(SO_SNDTIMEO),
        SOCKET_OPTION_OF(IPPROTO_IP),
        SOCKET_OPTION_OF(IPPROTO_IPV6),
        SOCKET_OPTION_OF(IPPROTO_TCP),
        SOCKET_OPTION_OF(IPPROTO_UDP),
        WITH(NETWORK, "sendmmsg"), /* glibc's resolver */

        /* processes: to start them, and what programs other than Python ask for */
        WITH(PROCESSES, "execve"),
        WITH(PROCESSES, "fork"),
        WITH(PROCESSES, "vfork"),
        WITH(PROCESSES, "wait4"),
        WITH(PROCESSES, "waitid"),
        WITH(PROCESSES, "set_tid_address"),
        WITH_IF(PROCESSES, "arch_prctl", IS(0, ARCH_SET_FS)),
        WITH(PROCESSES, "setpgid"),
        WITH(PROCESSES, "setsid"),
        WITH(PROCESSES, "getsid"),
        WITH(PROCESSES, "close_range"),
        WITH(PROCESSES, "fadvise64"),
        WITH(PROCESSES, "getcpu"),
        WITH(PROCESSES, "getpgid"),
        WITH(PROCESSES, "getresgid"),
        WITH(PROCESSES, "getresuid"),
        WITH(PROCESSES, "getrlimit"),
        WITH_IF(PROCESSES, "mknod", MASKED(1, S_IFMT, S_IFIFO)),
        WITH(PROCESSES, "pipe"),
        WITH(PROCESSES, "preadv"),
        WITH(PROCESSES, "pwritev"),
        WITH(PROCESSES, "rt_sigpending"),
        WITH(PROCESSES, "rt_sigsuspend"),
        WITH(PROCESSES, "statx"),
        WITH(PROCESSES, "time"),
        WITH(PROCESSES, "truncate"),

        /* libc and Python have another way, and take it when the call does not exist */
        ANSWER(ENOSYS, "clone3"),
        ANSWER(ENOSYS, "close_range"),
        ANSWER(ENOSYS, "dup3"),
        ANSWER(ENOSYS, "epoll_pwait"),
        ANSWER(ENOSYS, "epoll_pwait2"),
        ANSWER(ENOSYS, "execveat"),
        ANSWER(ENOSYS, "faccessat2"),
        ANSWER(ENOSYS, "flock"), /* works on what all runs may read; filelock knows this answer */
        ANSWER(ENOSYS, "get_mempolicy"),
        ANSWER(ENOSYS, "mbind"),
        ANSWER(ENOSYS, "membarrier"),
        ANSWER(ENOSYS, "openat2"),
        ANSWER(ENOSYS, "pidfd_open"),
        ANSWER(ENOSYS, "preadv2"),
        ANSWER(ENOSYS, "pwritev2"),
        ANSWER(ENOSYS, "renameat2"),
        ANSWER(ENOSYS, "sendmmsg"),
        ANSWER(ENOSYS, "set_mempolicy"),
        ANSWER(ENOSYS, "statx"),
        ANSWER(ENOSYS, "timer_create"),

        /* the same for answers that a kernel gives for some files: shutil, pathlib and cp go on */
        ANSWER(ENOTSOCK, "sendfile"),
        ANSWER(EXDEV, "copy_file_range"),
        ANSWER_IF(EOPNOTSUPP, "ioctl", IS(1, FICLONE)),
        ANSWER(EOPNOTSUPP, "fallocate"), /* posix_fallocate() writes */
        ANSWER(EOPNOTSUPP, "fgetxattr"),
        ANSWER(EOPNOTSUPP, "flistxattr"),
        ANSWER(EOPNOTSUPP, "fremovexattr"),
        ANSWER(EOPNOTSUPP, "fsetxattr"),
        ANSWER(EOPNOTSUPP, "getxattr"),
        ANSWER(EOPNOTSUPP, "lgetxattr"),
        ANSWER(EOPNOTSUPP, "listxattr"),
        ANSWER(EOPNOTSUPP, "llistxattr"),
        ANSWER(EOPNOTSUPP, "lremovexattr"),
        ANSWER(EOPNOTSUPP, "lsetxattr"),
        ANSWER(EOPNOTSUPP, "removexattr"),
        ANSWER(EOPNOTSUPP, "setxattr"),

        /* without processes there is no child */
        ANSWER(ECHILD, "wait4"),
        ANSWER(ECHILD, "waitid"),
};
const size_t seccomp_n_rules = ARRAY_SIZE(seccomp_rules);

const SeccompSuccessor seccomp_successors[] = {
        {"access", "faccessat"},
        {"access", "faccessat2"},
        {"chmod", "fchmodat"},
        {"dup2", "dup3"},
        {"epoll_wait", "epoll_pwait"},
        {"link", "linkat"},
        {"mkdir", "mkdirat"},
        {"pause", "ppoll"},
        {"poll", "ppoll"},
        {"readlink", "readlinkat"},
        {"rename", "renameat"},
        {"rename", "renameat2"},
        {"symlink", "symlinkat"},
};
const size_t seccomp_n_successors = ARRAY_SIZE(seccomp_successors);

const char seccomp_newest[] = "landlock_restrict_self";
