#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Seccomp: the list of system calls that a run may make
 *
 * An allow-list per profile, compiled at build time (sandbox/seccomp-generate.c, with libseccomp)
 * into a BPF program whose numbers form a binary tree, and loaded with one system call. A call that
 * is not on the list answers ENOSYS, one that is known and unwanted, or has unwanted arguments,
 * EPERM; nothing is killed. Foreign architectures (i386, x32) get ENOSYS for everything.
 *
 * In profiles without processes, kill(2) and tgkill(2) reach the process itself only.
 */
#include <stdbool.h>
#include <sys/types.h>

typedef struct Failure Failure;

typedef enum SeccompProfile {
        SECCOMP_DEFAULT,           /* threads, no processes, no sockets but socketpair(AF_UNIX) */
        SECCOMP_PROCESSES,         /* and fork, execve, AF_UNIX sockets */
        SECCOMP_NETWORK,           /* default, and AF_INET and AF_INET6 sockets */
        SECCOMP_PROCESSES_NETWORK, /* both */
        _SECCOMP_PROFILE_N,
} SeccompProfile;

static inline SeccompProfile seccomp_profile(bool processes, bool network) {
        return (SeccompProfile)((processes ? 1u : 0u) | (network ? 2u : 0u));
}

/* Whether this kernel takes filters of this architecture: tried in a child. */
bool seccomp_probe(void);
/* Worker, last of all layers, with no_new_privs set: loads the filter of @profile for the calling
 * process, whose id in its own pid namespace is @self. Async-signal-safe, irrevocable; the kernel's
 * word is read back (PR_GET_SECCOMP). */
int seccomp_apply(SeccompProfile profile, pid_t self, Failure *failure);
