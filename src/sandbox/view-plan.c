/* SPDX-License-Identifier: MIT */
/*
 * The pure half of the view: which paths, and in which order. Only open(2) with O_PATH, readlink(2)
 * and realpath(3) look at the host; lstat(2) is a new name in glibc 2.33, and the worker must load
 * on older ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/view.h"

/* Binding one of these would show more of the host than an interpreter needs. */
static const char *const too_general[] = {
        "/",    "/boot",      "/dev",  "/etc",       "/home",    "/media",   "/mnt",
        "/opt", "/proc",      "/root", "/run",       "/srv",     "/sys",     "/tmp",
        "/usr", "/usr/local", "/var",  "/usr/share", "/var/lib", "/var/tmp",
};

static const char *const system_paths[] = {
        "/bin",
        "/lib",
        "/lib32",
        "/lib64",
        "/usr/bin",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/local/lib",
        "/usr/share/matplotlib",
        "/usr/share/zoneinfo",
        "/etc/alternatives", /* Debian's libblas.so.3 is a link through it */
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/localtime",
        "/etc/matplotlibrc",
        "/etc/python3",
};

static const char *const device_paths[] = {
        "/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero",
};

int view_plan_new(ViewPlan **planp) {
        ViewPlan *plan = calloc(1, sizeof(*plan));

        if (!plan)
                return -ENOMEM;
        *planp = plan;
        return 0;
}

static void view_entry_clear(ViewEntry *entry) {
        free(entry->path);
        free(entry->target);
        free(entry->stash);
        *entry = (ViewEntry){0};
}

ViewPlan *view_plan_free(ViewPlan *plan) {
        if (!plan)
                return NULL;
        for (size_t i = 0; i < plan->n_entries; ++i)
                view_entry_clear(&plan->entries[i]);
        free(plan);
        return NULL;
}

static bool view_path_is_too_general(const char *path) {
        for (size_t i = 0; i < ARRAY_SIZE(too_general); ++i)
                if (!strcmp(path, too_general[i]))
                        return true;
        return false;
}

/* Whether @path is @parent or lies below it. */
static bool view_path_is_below(const char *path, const char *parent) {
        size_t length = strlen(parent);

        return !strncmp(path, parent, length) && (path[length] == '/' || path[length] == '\0');
}

static int view_plan_push(ViewPlan *plan,
                          ViewKind kind,
                          const char *path,
                          bool directory,
                          const char *target,
                          Failure *failure) {
        ViewEntry *entry;

        for (size_t i = 0; i < plan->n_entries; ++i)
                if (!strcmp(plan->entries[i].path, path))
                        return 0;
        if (plan->n_entries == VIEW_ENTRIES_MAX)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, E2BIG,
                                   "the interpreter needs too many separate paths");
        entry = &plan->entries[plan->n_entries];
        *entry = (ViewEntry){.kind = kind, .directory = directory, .path = strdup(path)};
        if (target)
                entry->target = strdup(target);
        if (!entry->path || (target && !entry->target)) {
                view_entry_clear(entry);
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        }
        ++plan->n_entries;
        return 0;
}

static bool view_path_opens(const char *path, int flags) {
        _cleanup_(closep) int fd = -1;

        fd = open(path, O_PATH | O_CLOEXEC | flags);
        return fd >= 0;
}

/* Finds the first component of @path that is a symlink: its length as a prefix, or 0. */
static size_t view_first_symlink(const char *path, char target[static PATH_MAX]) {
        char prefix[PATH_MAX];
        size_t length = strlen(path);

        for (size_t i = 1; i <= length; ++i) {
                ssize_t n;

                if (path[i] != '/' && path[i] != '\0')
                        continue;
                memcpy(prefix, path, i);
                prefix[i] = '\0';
                n = readlink(prefix, target, PATH_MAX - 1);
                if (n >= 0) {
                        target[n] = '\0';
                        return i;
                }
                if (errno != EINVAL) /* it is there and no link */
                        return 0;
        }
        return 0;
}

/* Replaces the symlink that is the first @length bytes of @path by what it points to. */
static int view_follow(char path[static PATH_MAX], size_t length, const char *target) {
        char next[PATH_MAX * 2];
        char *slash;
        int n;

        if (target[0] == '/') {
                n = snprintf(next, sizeof(next), "%s%s", target, path + length);
        } else {
                char saved = path[length];

                path[length] = '\0';
                slash = strrchr(path, '/');
                path[length] = saved;
                n = snprintf(next, sizeof(next), "%.*s/%s%s", (int)(slash - path), path, target,
                             path + length);
        }
        if (n < 0 || n >= PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(path, next, (size_t)n + 1);
        return 0;
}

/* Adds each symlink on the way from @path to what it finally names. */
static int view_plan_add_symlinks(ViewPlan *plan, const char *from, Failure *failure) {
        char path[PATH_MAX], target[PATH_MAX];
        int r;

        (void)snprintf(path, sizeof(path), "%s", from);
        for (unsigned int hops = 0; hops < 40; ++hops) {
                size_t length = view_first_symlink(path, target);
                char saved;

                if (!length)
                        return 0;
                saved = path[length];
                path[length] = '\0';
                r = view_plan_push(plan, VIEW_SYMLINK, path, false, target, failure);
                path[length] = saved;
                if (r)
                        return r;
                if (view_follow(path, length, target))
                        return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENAMETOOLONG,
                                           "the links on the way to '%.300s' are too long", from);
        }
        return 0;
}

int view_plan_add(ViewPlan *plan, const char *path, Failure *failure) {
        char real[PATH_MAX];
        bool directory;
        int r;

        if (path[0] != '/' || strlen(path) >= PATH_MAX || !realpath(path, real) ||
            view_path_is_too_general(real))
                return 0;
        directory = view_path_opens(real, O_DIRECTORY);
        r = view_plan_push(plan, VIEW_BIND, real, directory, NULL, failure);
        if (r)
                return r;
        return view_plan_add_symlinks(plan, path, failure);
}

int view_plan_add_system(ViewPlan *plan, Failure *failure) {
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(system_paths); ++i) {
                r = view_plan_add(plan, system_paths[i], failure);
                if (r)
                        return r;
        }
        for (size_t i = 0; i < ARRAY_SIZE(device_paths); ++i) {
                if (!view_path_opens(device_paths[i], 0))
                        continue; /* containers may have fewer */
                r = view_plan_push(plan, VIEW_DEVICE, device_paths[i], false, NULL, failure);
                if (r)
                        return r;
        }
        return 0;
}

static int view_entry_compare(const void *a, const void *b) {
        return strcmp(((const ViewEntry *)a)->path, ((const ViewEntry *)b)->path);
}

static bool view_plan_covers(const ViewPlan *plan, size_t n, const ViewEntry *entry) {
        for (size_t i = 0; i < n; ++i)
                if (plan->entries[i].kind == VIEW_BIND &&
                    view_path_is_below(entry->path, plan->entries[i].path))
                        return true;
        return false;
}

int view_plan_seal(ViewPlan *plan, Failure *failure) {
        size_t n_kept = 0;

        qsort(plan->entries, plan->n_entries, sizeof(plan->entries[0]), view_entry_compare);
        for (size_t i = 0; i < plan->n_entries; ++i) {
                ViewEntry *entry = &plan->entries[i];

                if (view_plan_covers(plan, n_kept, entry)) {
                        view_entry_clear(entry);
                        continue;
                }
                if (view_path_is_below(entry->path, "/tmp") && entry->kind == VIEW_BIND &&
                    asprintf(&entry->stash, VIEW_STASH "/%zu", n_kept) < 0) {
                        entry->stash = NULL;
                        return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                           "out of memory");
                }
                if (n_kept != i) {
                        plan->entries[n_kept] = *entry;
                        *entry = (ViewEntry){0};
                }
                ++n_kept;
        }
        plan->n_entries = n_kept;
        return 0;
}
