#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Landlock: the file policy of a run once more, held by the kernel whatever mounts there are
 *
 * A ruleset is made anew for each worker (one that is shared could be widened by a sibling),
 * refuses every right that the running kernel can handle, and gives back the few that rules name.
 * From ABI 4 it refuses TCP as well, from ABI 6 signals and abstract sockets that lead out.
 *
 * Raw system calls only, async-signal-safe.
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct Failure Failure;
typedef struct LandlockRights LandlockRights;

typedef enum LandlockAccess {
        LANDLOCK_LIST,   /* list directories below, read no file */
        LANDLOCK_READ,   /* read files and list directories */
        LANDLOCK_RUN,    /* and execute */
        LANDLOCK_WRITE,  /* read, write, make and remove files; execute nothing, make no devices */
        LANDLOCK_DEVICE, /* one file: read, write, ioctl */
        _LANDLOCK_ACCESS_N,
} LandlockAccess;

/* The kernel's bits. */
struct LandlockRights {
        uint64_t files, tcp, scopes;
        uint64_t quiet; /* flags of enforcing that keep refusals out of the host's audit log */
};

/* Pure: what a ruleset refuses under @abi, as far as both the ABI and we know it. */
LandlockRights landlock_rights_handled(int abi, bool network);
/* Pure: what a rule gives back of it. */
uint64_t landlock_rights_granted(int abi, LandlockAccess access);

/* The ABI of the running kernel; 0 = no Landlock. */
int landlock_abi(void);
/* Whether a ruleset really refuses: 1 or 0, by a trial; negative errno if that was not possible. */
int landlock_probe(void);

/* A ruleset without rules. *@fdp is CLOEXEC. With @network TCP stays free. */
int landlock_ruleset_new(int *fdp, bool network, Failure *failure);
/* @path_fd: an O_PATH descriptor of a file or directory, in whatever mount namespace. */
int landlock_ruleset_allow(int ruleset_fd, int path_fd, LandlockAccess access, Failure *failure);
/* Enforces it on the calling thread, for good. Needs no_new_privs. */
int landlock_ruleset_enforce(int ruleset_fd, Failure *failure);
/* Whether the signal scope was part of what landlock_ruleset_new() makes on this kernel. */
bool landlock_scopes_signals(void);
