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

#include "base/buffer.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/view.h"

#define VIEW_TEXT_MAX (VIEW_ENTRIES_MAX * (2 * PATH_MAX + 64))

/* Binding one of these would show more of the host than an interpreter needs. */
static const struct {
        const char *path;
        bool nameable; /* by an operator, who knows what is in it */
} too_general[] = {
        {"/", false},        {"/boot", false},     {"/dev", false},    {"/etc", false},
        {"/home", false},    {"/media", true},     {"/mnt", true},     {"/opt", true},
        {"/proc", false},    {"/root", false},     {"/run", false},    {"/srv", true},
        {"/sys", false},     {"/tmp", false},      {"/usr", true},     {"/usr/local", true},
        {"/var", false},     {"/usr/share", true}, {"/var/lib", true}, {"/var/tmp", false},
        {"/var/run", false},
};

/* No part of these is ever bound: they are the kernel's, or ours. */
static const char *const not_files[] = {"/dev", "/proc", "/sys", VIEW_STASH};

static const char *const system_paths[] = {
        "/lib",
        "/lib32",
        "/lib64",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
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

static const char *const program_paths[] = {
        "/bin", "/sbin", "/usr/bin", "/usr/libexec", "/usr/local/bin", "/usr/sbin",
};

/* Not /etc/ssl: private keys are in it. */
static const char *const network_paths[] = {
        "/etc/ca-certificates",
        "/etc/gai.conf",
        "/etc/host.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/pki/ca-trust/extracted",
        "/etc/pki/tls/cert.pem",
        "/etc/pki/tls/certs",
        "/etc/pki/tls/openssl.cnf",
        "/etc/protocols",
        "/etc/resolv.conf",
        "/etc/services",
        "/etc/ssl/cert.pem",
        "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf",
        "/usr/local/share/ca-certificates",
        "/usr/share/ca-certificates",
};

static const char *const device_paths[] = {
        "/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero",
};

int view_plan_new(ViewPlan **planp) {
        ViewPlan *plan = calloc(1, sizeof(*plan));

        if (!plan)
                return -ENOMEM;
        plan->root_fd = plan->etc_fd = -1;
        *planp = plan;
        return 0;
}

static void view_entry_clear(ViewEntry *entry) {
        free(entry->path);
        free(entry->target);
        free(entry->stash);
        (void)fd_close(entry->fd);
        *entry = (ViewEntry){.fd = -1};
}

ViewPlan *view_plan_free(ViewPlan *plan) {
        if (!plan)
                return NULL;
        for (size_t i = 0; i < plan->n_entries; ++i)
                view_entry_clear(&plan->entries[i]);
        (void)fd_close(plan->root_fd);
        (void)fd_close(plan->etc_fd);
        free(plan);
        return NULL;
}

/* Whether @path is @parent or lies below it. */
static bool view_path_is_below(const char *path, const char *parent) {
        size_t length = strlen(parent);

        return !strncmp(path, parent, length) && (path[length] == '/' || path[length] == '\0');
}

static bool view_path_is_too_general(const char *path, bool named) {
        for (size_t i = 0; i < ARRAY_SIZE(not_files); ++i)
                if (view_path_is_below(path, not_files[i]))
                        return true;
        for (size_t i = 0; i < ARRAY_SIZE(too_general); ++i)
                if (!strcmp(path, too_general[i].path))
                        return !named || !too_general[i].nameable;
        return false;
}

/* Takes the flags of @like, and copies its strings. */
static int view_plan_push(ViewPlan *plan, const ViewEntry *like, Failure *failure) {
        ViewEntry *entry;

        for (size_t i = 0; i < plan->n_entries; ++i) {
                if (strcmp(plan->entries[i].path, like->path))
                        continue;
                plan->entries[i].programs &= like->programs; /* somebody needs it always */
                return 0;
        }
        if (plan->n_entries == VIEW_ENTRIES_MAX)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, E2BIG,
                                   "the interpreter needs too many separate paths");
        entry = &plan->entries[plan->n_entries];
        *entry = *like;
        entry->fd = -1;
        entry->path = strdup(like->path);
        entry->target = like->target ? strdup(like->target) : NULL;
        if (!entry->path || (like->target && !entry->target)) {
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
                r = view_plan_push(
                        plan, &(ViewEntry){.kind = VIEW_SYMLINK, .path = path, .target = target},
                        failure);
                path[length] = saved;
                if (r)
                        return r;
                if (view_follow(path, length, target))
                        return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENAMETOOLONG,
                                           "the links on the way to '%.300s' are too long", from);
        }
        return 0;
}

/* @real is what @path comes to. */
static int
view_plan_add_real(ViewPlan *plan, const char *path, char *real, bool programs, Failure *failure) {
        ViewEntry entry = {.kind = VIEW_BIND, .programs = programs, .path = real};
        int r;

        entry.directory = view_path_opens(real, O_DIRECTORY);
        r = view_plan_push(plan, &entry, failure);
        return r ? r : view_plan_add_symlinks(plan, path, failure);
}

static int
view_plan_add_if_there(ViewPlan *plan, const char *path, bool programs, Failure *failure) {
        char real[PATH_MAX];

        if (path[0] != '/' || strlen(path) >= PATH_MAX || !realpath(path, real) ||
            view_path_is_too_general(real, false))
                return 0;
        return view_plan_add_real(plan, path, real, programs, failure);
}

int view_plan_add(ViewPlan *plan, const char *path, Failure *failure) {
        return view_plan_add_if_there(plan, path, false, failure);
}

int view_plan_add_named(ViewPlan *plan, const char *path, Failure *failure) {
        char real[PATH_MAX];

        if (path[0] != '/')
                return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EINVAL,
                                   "read-only path '%.300s' is not absolute", path);
        if (strlen(path) >= PATH_MAX || !realpath(path, real))
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT,
                                     strlen(path) >= PATH_MAX ? ENAMETOOLONG : errno,
                                     "cannot find read-only path '%.300s'", path);
        if (view_path_is_too_general(real, true))
                return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EINVAL,
                                   "read-only path '%.300s' is too general: name what is needed "
                                   "of it",
                                   path);
        return view_plan_add_real(plan, path, real, false, failure);
}

static int view_plan_add_all(
        ViewPlan *plan, const char *const *paths, size_t n_paths, bool programs, Failure *failure) {
        int r = 0;

        for (size_t i = 0; !r && i < n_paths; ++i)
                r = view_plan_add_if_there(plan, paths[i], programs, failure);
        return r;
}

int view_plan_add_system(ViewPlan *plan, Failure *failure) {
        int r;

        r = view_plan_add_all(plan, system_paths, ARRAY_SIZE(system_paths), false, failure);
        if (!r)
                r = view_plan_add_all(plan, program_paths, ARRAY_SIZE(program_paths), true,
                                      failure);
        for (size_t i = 0; !r && i < ARRAY_SIZE(device_paths); ++i) {
                char path[32];

                if (!view_path_opens(device_paths[i], 0))
                        continue; /* containers may have fewer */
                (void)snprintf(path, sizeof(path), "%s", device_paths[i]);
                r = view_plan_push(plan, &(ViewEntry){.kind = VIEW_DEVICE, .path = path}, failure);
        }
        return r;
}

int view_plan_add_network(ViewPlan *plan, Failure *failure) {
        return view_plan_add_all(plan, network_paths, ARRAY_SIZE(network_paths), false, failure);
}

static int view_entry_compare(const void *a, const void *b) {
        return strcmp(((const ViewEntry *)a)->path, ((const ViewEntry *)b)->path);
}

/* Programs are not always there, so they cover programs only. */
static bool view_entry_covers(const ViewEntry *above, const ViewEntry *entry) {
        return above->kind == VIEW_BIND && (!above->programs || entry->programs) &&
               view_path_is_below(entry->path, above->path);
}

static bool view_plan_covers(const ViewPlan *plan, size_t n, const ViewEntry *entry) {
        for (size_t i = 0; i < n; ++i)
                if (view_entry_covers(&plan->entries[i], entry))
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
                if (entry->kind == VIEW_BIND &&
                    (entry->programs || view_path_is_below(entry->path, "/tmp")) &&
                    asprintf(&entry->stash, VIEW_STASH "/%zu", n_kept) < 0) {
                        entry->stash = NULL;
                        return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                           "out of memory");
                }
                if (n_kept != i) {
                        plan->entries[n_kept] = *entry;
                        *entry = (ViewEntry){.fd = -1};
                }
                ++n_kept;
        }
        plan->n_entries = n_kept;
        return 0;
}

static const char *view_entry_word(const ViewEntry *entry) {
        if (entry->kind == VIEW_SYMLINK)
                return "link";
        if (entry->kind == VIEW_DEVICE)
                return "device";
        if (entry->programs)
                return "programs";
        return entry->directory ? "directory" : "file";
}

char *view_plan_format(const ViewPlan *plan) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;

        buffer_init(&buffer, VIEW_TEXT_MAX);
        for (size_t i = 0; i < plan->n_entries; ++i) {
                const ViewEntry *entry = &plan->entries[i];
                char line[2 * PATH_MAX + 64];
                int n;

                n = snprintf(line, sizeof(line), "%s %s%s%s\n", view_entry_word(entry), entry->path,
                             entry->target || entry->stash ? " -> " : "",
                             entry->target  ? entry->target
                             : entry->stash ? entry->stash
                                            : "");
                if (n < 0 || buffer_append(&buffer, line, min_size((size_t)n, sizeof(line) - 1)))
                        return NULL;
        }
        return buffer_steal(&buffer, &(size_t){0});
}
