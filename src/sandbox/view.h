#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * View: the file system that zygote and workers see
 *
 * A plan is a list of paths, made in the zygote from what its interpreter needs and its operator
 * names. Applied, it becomes a mount namespace whose root is a small read-only tmpfs with those
 * paths bound into it, and nothing else of the host: no /sys, no /home, no host /tmp. Each worker
 * then copies that namespace and mounts a tmpfs of its own on /tmp, its home and working directory,
 * and on request a private /dev/shm, a /proc of its own and the host's programs. Without request
 * the places of these are there, and empty: a root that all workers share cannot lack a directory
 * for some of them.
 *
 * What is bound only by the worker waits below VIEW_STASH: programs, and paths below /tmp (venvs
 * are often made there), which would vanish under the tmpfs. The worker then covers the stash.
 *
 * The same plan as Landlock rules holds with and without mounts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct Failure Failure;
typedef struct ViewEntry ViewEntry;
typedef struct ViewPlan ViewPlan;
typedef struct ViewPrivate ViewPrivate;

#define VIEW_ENTRIES_MAX 512
#define VIEW_INODES_MAX  16384 /* of one tmpfs of a worker */
#define VIEW_STASH       "/.spr"
/* A file that every worker could read, did Landlock not refuse it: the self-test tries. */
#define VIEW_DECOY VIEW_STASH "/decoy"

typedef enum ViewKind {
        VIEW_BIND,    /* a directory or file, read-only */
        VIEW_SYMLINK, /* a link of the host, made again */
        VIEW_DEVICE,  /* a device node, bound with its flags as they are */
} ViewKind;

struct ViewEntry {
        ViewKind kind;
        bool directory; /* VIEW_BIND: else a file */
        bool programs;  /* VIEW_BIND: only for runs that may start programs */
        char *path;     /* absolute, normal, without symlinks in it except the last component */
        char *target;   /* VIEW_SYMLINK: what it says; else NULL */
        char *stash;    /* below VIEW_STASH, for programs and paths below /tmp; else NULL */
        int fd;         /* O_PATH, after view_plan_open(); else -1 */
};

struct ViewPlan {
        ViewEntry entries[VIEW_ENTRIES_MAX];
        size_t n_entries;
        bool applied;
        int root_fd, etc_fd; /* of an applied view, after view_plan_open(); else -1 */
};

struct ViewPrivate {
        uint64_t disk_bytes; /* size of /tmp */
        uint64_t shm_bytes;  /* size of /dev/shm; 0 = none */
        uint32_t uid;        /* to whom they belong; UINT32_MAX = the caller */
        int proc_fd;         /* a detached mount, of procfs_open(); -1 = no /proc */
        bool programs;
};

int view_plan_new(ViewPlan **planp);
ViewPlan *view_plan_free(ViewPlan *plan);
/* The system's part: shared libraries, programs, zone data, locale, devices. */
int view_plan_add_system(ViewPlan *plan, Failure *failure);
/* What runs with the host's network need: its resolver's files and certificates. */
int view_plan_add_network(ViewPlan *plan, Failure *failure);
/* Adds @path and every symlink on the way to it. What does not exist, and what is so general that
 * binding it would show the host ("/", "/usr", "/home", "/tmp" …), is left out in silence. */
int view_plan_add(ViewPlan *plan, const char *path, Failure *failure);
/* The same for a path that the operator names: what cannot be shown is a failure. */
int view_plan_add_named(ViewPlan *plan, const char *path, Failure *failure);
/* Sorts, drops what another entry covers, assigns stashes. Nothing may be added after it. */
int view_plan_seal(ViewPlan *plan, Failure *failure);
/* One line per entry, for people and tests; free() it. NULL on out of memory. */
char *view_plan_format(const ViewPlan *plan);

/* Zygote: enters a new mount namespace and makes it what the plan says. Needs CAP_SYS_ADMIN.
 * VIEW_E_REFUSED: this kernel or host does not let us make mounts, and nothing was changed. Once
 * the first mount is made, every failure is final for the process. */
enum {
        _VIEW_E_SUCCESS,
        VIEW_E_REFUSED,
};
int view_plan_apply(ViewPlan *plan, Failure *failure);

/* Worker: a mount namespace of its own with what @private asks for, and /tmp as working directory.
 * Async-signal-safe. */
int view_enter_private(const ViewPlan *plan, const ViewPrivate *private, Failure *failure);

/* Zygote: opens what the rules will name, on the host's paths where the plan is not applied. */
int view_plan_open(ViewPlan *plan, Failure *failure);
/* Zygote or worker: the plan as rules of @ruleset_fd; with @programs its files may be executed, and
 * the host's programs are among them. Async-signal-safe.
 *
 * Not part of it: /tmp, /dev/shm and /proc of a worker, which are mounted later. */
int view_plan_allow(const ViewPlan *plan, int ruleset_fd, bool programs, Failure *failure);

DEFINE_CLEANUP(ViewPlan *, view_plan_free)
