#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * View: the file system that zygote and workers see
 *
 * A plan is a list of paths, made in the zygote from what its interpreter needs. Applied, it
 * becomes a mount namespace whose root is a small read-only tmpfs with those paths bound into it,
 * and nothing else of the host: no /proc, no /sys, no /home, no host /tmp. Each worker then copies
 * that namespace and mounts a tmpfs of its own on /tmp, its home and working directory.
 *
 * Paths below /tmp (venvs are often made there) would vanish under that tmpfs. They are bound
 * twice, in place and below VIEW_STASH, and the worker binds them back from the stash.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct Failure Failure;
typedef struct ViewEntry ViewEntry;
typedef struct ViewPlan ViewPlan;

#define VIEW_ENTRIES_MAX 512
#define VIEW_STASH       "/.spr"

typedef enum ViewKind {
        VIEW_BIND,    /* a directory or file, read-only */
        VIEW_SYMLINK, /* a link of the host, made again */
        VIEW_DEVICE,  /* a device node, bound with its flags as they are */
} ViewKind;

struct ViewEntry {
        ViewKind kind;
        bool directory; /* VIEW_BIND: else a file */
        char *path;     /* absolute, normal, without symlinks in it except the last component */
        char *target;   /* VIEW_SYMLINK: what it says; else NULL */
        char *stash;    /* below VIEW_STASH, for paths below /tmp; else NULL */
};

struct ViewPlan {
        ViewEntry entries[VIEW_ENTRIES_MAX];
        size_t n_entries;
};

int view_plan_new(ViewPlan **planp);
ViewPlan *view_plan_free(ViewPlan *plan);
/* The system's part: shared libraries, programs, zone data, locale, devices. */
int view_plan_add_system(ViewPlan *plan, Failure *failure);
/* Adds @path and every symlink on the way to it. What does not exist, and what is so general that
 * binding it would show the host ("/", "/usr", "/home", "/tmp" …), is left out in silence. */
int view_plan_add(ViewPlan *plan, const char *path, Failure *failure);
/* Sorts, drops what another entry covers, assigns stashes. Nothing may be added after it. */
int view_plan_seal(ViewPlan *plan, Failure *failure);

/* Zygote: enters a new mount namespace and makes it what the plan says. Needs CAP_SYS_ADMIN.
 * VIEW_E_REFUSED: this kernel or host does not let us make mounts, and nothing was changed. Once
 * the first mount is made, every failure is final for the process. */
enum {
        _VIEW_E_SUCCESS,
        VIEW_E_REFUSED,
};
int view_plan_apply(const ViewPlan *plan, Failure *failure);

/* Worker: a mount namespace of its own with a tmpfs of @bytes on /tmp that belongs to @uid, and
 * /tmp as working directory. Async-signal-safe. */
int view_enter_private(const ViewPlan *plan, uint64_t bytes, uint32_t uid, Failure *failure);

DEFINE_CLEANUP(ViewPlan *, view_plan_free)
