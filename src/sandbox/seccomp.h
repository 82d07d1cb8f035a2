#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Seccomp: the list of system calls that a run may make
 *
 * An allow-list per profile, compiled when we are built (sandbox/generate, with libseccomp) into a
 * BPF program whose numbers form a binary tree, and loaded with one system call. What is not on the
 * list, or has unwanted arguments, answers EPERM; what libc and Python replace by something else
 * when a kernel lacks it, and all calls newer than the list, ENOSYS; nothing is killed. Foreign
 * architectures (i386, x32) get ENOSYS for everything.
 *
 * In profiles without processes, kill(2) and tgkill(2) reach the process itself only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sock_filter;
typedef struct Failure Failure;

#define SECCOMP_PROGRAM_MAX 512

typedef enum SeccompProfile {
        SECCOMP_DEFAULT,           /* threads, no processes, no sockets but socketpair(AF_UNIX) */
        SECCOMP_PROCESSES,         /* and fork, execve, AF_UNIX sockets */
        SECCOMP_NETWORK,           /* default, and TCP and UDP over AF_INET and AF_INET6 */
        SECCOMP_PROCESSES_NETWORK, /* both */
        _SECCOMP_PROFILE_N,
} SeccompProfile;

static inline SeccompProfile seccomp_profile(bool processes, bool network) {
        return (SeccompProfile)((processes ? 1u : 0u) | (network ? 2u : 0u));
}

/* Whether this kernel takes filters of this architecture: 1 or 0, by a trial; negative errno if
 * that was not possible. */
int seccomp_probe(void);
/* Worker, before seccomp_apply(), where the host's files are in sight: what Landlock does not know
 * answers EPERM. No sockets of AF_UNIX, which find those of the host by path, no signal to all that
 * is in sight, which the kernel calls done though Landlock has let none through; and with
 * @own_files, for runs that have the invoking uid, no change of mode and time stamps. */
int seccomp_guard_host(bool own_files, Failure *failure);
/* Worker, last of all layers, with no_new_privs set: loads the filter of @profile for the calling
 * process, whose id in its own pid namespace is @self. Async-signal-safe, irrevocable; the kernel's
 * word is read back. */
int seccomp_apply(SeccompProfile profile, pid_t self, Failure *failure);
/* What seccomp_apply() loads: SECCOMP_PROGRAM_MAX instructions at most; returns how many. */
size_t seccomp_program(SeccompProfile profile, pid_t self, struct sock_filter *program);
