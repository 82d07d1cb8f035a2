/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup-tree.h"

#define LEFTOVERS_MAX   1024 /* groups whose processes do not die: then no more are made */
#define LEFTOVERS_SWEPT 8    /* looked at for each new one */
#define SPARES_MAX      64
#define SPARE_BYTES_MAX (UINT64_C(1) << 20) /* what counters that lag may still show */

typedef struct GroupFile {
        char path[96]; /* "GROUP/FILE", from the tree's directory */
} GroupFile;

static GroupFile group_file(const Cgroup *group, const char *file) {
        GroupFile name;

        (void)snprintf(name.path, sizeof(name.path), "%s/%s", group->name, file);
        return name;
}

static int group_fail(Failure *failure, int code, const char *what) {
        return failure_errno(failure, FAILURE_STAGE_SANDBOX, -code,
                             "cannot %s a control group for a run", what);
}

/* False where this limit is not asked for. */
static bool
setting_format(const CgroupSetting *setting, const CgroupLimits *limits, char text[static 64]) {
        unsigned long long quota = (unsigned long long)limits->n_cpus * CGROUP_PERIOD_US;

        switch (setting->value) {
        case CGROUP_VALUE_MEMORY:
                (void)snprintf(text, 64, "%llu", (unsigned long long)limits->memory_bytes);
                return limits->memory_bytes > 0;
        case CGROUP_VALUE_TASKS:
                (void)snprintf(text, 64, "%u", limits->n_tasks);
                return limits->n_tasks > 0;
        case CGROUP_VALUE_QUOTA:
                (void)snprintf(text, 64, "%llu", quota);
                return limits->n_cpus > 0;
        case CGROUP_VALUE_QUOTA_AND_PERIOD:
                (void)snprintf(text, 64, "%llu %u", quota, CGROUP_PERIOD_US);
                return limits->n_cpus > 0;
        case CGROUP_VALUE_TEXT:
        default:
                (void)snprintf(text, 64, "%s", setting->text);
                return true;
        }
}

static int group_set(const Cgroup *group, const CgroupSetting *setting, const char *text) {
        int part = group->tree->part_of[setting->role], r;

        if (part < 0)
                return 0;
        r = cgroup_file_write(group->tree->parts[part].fd, group_file(group, setting->file).path,
                              text);
        return r == -ENOENT && setting->optional ? 0 : r;
}

static int group_set_all(const Cgroup *group, const CgroupLimits *limits, Failure *failure) {
        const CgroupFiles *files = group->tree->files;

        for (size_t i = 0; i < files->n_settings; ++i) {
                char text[64];
                int r;

                if (!setting_format(&files->settings[i], limits, text))
                        continue;
                r = group_set(group, &files->settings[i], text);
                if (r)
                        return failure_errno(failure, FAILURE_STAGE_SANDBOX, -r,
                                             "cannot set '%s' of a control group to '%s'",
                                             files->settings[i].file, text);
        }
        return 0;
}

static int group_open(Cgroup *group, Failure *failure) {
        for (size_t i = 0; i < group->tree->n_parts; ++i) {
                group->join_fds[i] = openat(group->tree->parts[i].fd,
                                            group_file(group, group->tree->files->join).path,
                                            O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
                if (group->join_fds[i] < 0)
                        return group_fail(failure, -errno, "open");
        }
        return 0;
}

static void group_close(Cgroup *group) {
        for (size_t i = 0; i < ARRAY_SIZE(group->join_fds); ++i)
                group->join_fds[i] = fd_close(group->join_fds[i]);
}

static int group_make(Cgroup *group, Failure *failure) {
        for (size_t i = 0; i < group->tree->n_parts; ++i)
                if (mkdirat(group->tree->parts[i].fd, group->name, 0700) < 0)
                        return group_fail(failure, -errno, "make");
        return group_open(group, failure);
}

/* Whether it is gone in every hierarchy. What was no group of ours is not left behind either: a
 * name that cannot be removed for another reason than its processes is nothing to wait for. */
static bool group_remove(const Cgroup *group) {
        bool gone = true;

        for (size_t i = 0; i < group->tree->n_parts; ++i)
                if (unlinkat(group->tree->parts[i].fd, group->name, AT_REMOVEDIR) < 0 &&
                    errno == EBUSY)
                        gone = false;
        return gone;
}

static void tree_sweep(CgroupTree *tree, size_t n_max) {
        list_for_each(link, &tree->leftovers) {
                Cgroup *group = container_of(link, Cgroup, link);

                if (n_max-- == 0)
                        return;
                list_remove(link);
                if (!group_remove(group)) {
                        list_append(&tree->leftovers, link); /* the others' turn */
                        continue;
                }
                --tree->n_leftovers;
                free(group);
        }
}

void cgroup_sweep(CgroupTree *tree) {
        tree_sweep(tree, tree->n_leftovers);
}

static bool limits_equal(const CgroupLimits *a, const CgroupLimits *b) {
        return a->memory_bytes == b->memory_bytes && a->n_tasks == b->n_tasks &&
               a->n_cpus == b->n_cpus;
}

/* One that was used before, or NULL. It counts from here on; where memory is still charged to it,
 * that is somebody's, and it is none. */
static Cgroup *tree_take_spare(CgroupTree *tree, const CgroupLimits *limits) {
        list_for_each(link, &tree->spares) {
                _cleanup_(cgroup_freep) Cgroup *group = container_of(link, Cgroup, link);

                if (!limits_equal(&group->limits, limits)) {
                        group = NULL;
                        continue;
                }
                list_remove(&group->link);
                --tree->n_spares;
                group->before = (CgroupUsage){0};
                if (group_open(group, NULL) < 0 || cgroup_read(group, &group->before) < 0 ||
                    group->before.memory_bytes > SPARE_BYTES_MAX)
                        continue;
                return take_ptr(&group);
        }
        return NULL;
}

int cgroup_new(Cgroup **groupp,
               CgroupTree *tree,
               uint64_t name,
               const CgroupLimits *limits,
               Failure *failure) {
        _cleanup_(cgroup_freep) Cgroup *group = tree_take_spare(tree, limits);
        int r;

        if (group) {
                *groupp = take_ptr(&group);
                return 0;
        }
        tree_sweep(tree, min_size(LEFTOVERS_SWEPT, tree->n_leftovers));
        if (tree->n_leftovers >= LEFTOVERS_MAX)
                return group_fail(failure, -EBUSY, "make");
        group = calloc(1, sizeof(*group));
        if (!group)
                return group_fail(failure, -ENOMEM, "make");
        group->tree = tree;
        group->limits = *limits;
        list_init(&group->link);
        for (size_t i = 0; i < ARRAY_SIZE(group->join_fds); ++i)
                group->join_fds[i] = -1;
        (void)snprintf(group->name, sizeof(group->name), "%llu", (unsigned long long)name);
        r = group_make(group, failure);
        if (!r)
                r = group_set_all(group, limits, failure);
        if (r)
                return r;
        *groupp = take_ptr(&group);
        return 0;
}

Cgroup *cgroup_free(Cgroup *group) {
        if (!group)
                return NULL;
        group_close(group);
        if (group_remove(group)) {
                free(group);
        } else {
                list_append(&group->tree->leftovers, &group->link);
                ++group->tree->n_leftovers;
        }
        return NULL;
}

Cgroup *cgroup_spare(Cgroup *group) {
        if (!group || group->worn || group->tree->n_spares >= SPARES_MAX)
                return cgroup_free(group);
        group_close(group);
        list_prepend(&group->tree->spares, &group->link);
        ++group->tree->n_spares;
        return NULL;
}

size_t cgroup_join_fds(const Cgroup *group, int fds[static CGROUP_FDS_MAX]) {
        memcpy(fds, group->join_fds, sizeof(int) * group->tree->n_parts);
        return group->tree->n_parts;
}

void cgroup_set_background(Cgroup *group) {
        const CgroupSetting *setting = &group->tree->files->background;

        group->worn = true;
        (void)group_set(group, setting, setting->text); /* fairness, not a limit */
}

/* Opened anew: v1 lists the members once for each time the file is opened. */
static bool group_part_is_populated(const Cgroup *group, size_t part) {
        _cleanup_(closep) int fd = -1;
        char first;

        fd = openat(group->tree->parts[part].fd, group_file(group, "cgroup.procs").path,
                    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        return fd >= 0 && fd_read(fd, &first, 1) == 1;
}

bool cgroup_is_populated(const Cgroup *group) {
        for (size_t i = 0; i < group->tree->n_parts; ++i)
                if (!group_part_is_populated(group, i))
                        return false;
        return true;
}

/* One line for each hierarchy: "4:memory:/above/TREE/GROUP". */
bool cgroup_has_member(const Cgroup *group, long proc_pid) {
        _cleanup_(closep) int fd = -1;
        char path[64], suffix[CGROUP_PATH_MAX], text[8192];
        const CgroupPart *part = &group->tree->parts[0]; /* of the same name everywhere */
        size_t n_found = 0, length;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%ld/cgroup", proc_pid);
        (void)snprintf(suffix, sizeof(suffix), "%s/%s\n", part->path + part->parent_length,
                       group->name);
        length = strlen(suffix);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : fd_read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return false;
        text[n] = '\0';
        for (const char *at = text; (at = strstr(at, suffix)); at += length)
                ++n_found;
        return n_found == group->tree->n_parts;
}

bool cgroup_kill(Cgroup *group) {
        const CgroupTree *tree = group->tree;

        return tree->files->kill &&
               cgroup_file_write(tree->parts[0].fd, group_file(group, tree->files->kill).path,
                                 "1") == 0;
}

static int group_count(const Cgroup *group, const CgroupCounter *counter, uint64_t *sump) {
        int part = group->tree->part_of[counter->role];
        char text[8192];
        const char *number = text;
        uint64_t sum = 0;
        ssize_t n;

        if (part < 0)
                return -ENOENT;
        n = cgroup_file_read(group->tree->parts[part].fd, group_file(group, counter->file).path,
                             text, sizeof(text));
        if (n < 0)
                return (int)n;
        if (!counter->fields[0])
                (void)decimal_take(&number, &sum);
        for (size_t i = 0; i < ARRAY_SIZE(counter->fields) && counter->fields[i]; ++i)
                sum += cgroup_text_field(text, counter->fields[i]);
        *sump = sum * counter->factor;
        return 0;
}

int cgroup_read(const Cgroup *group, CgroupUsage *usage) {
        const CgroupFiles *files = group->tree->files;
        CgroupUsage now = {0};
        int r;

        r = group_count(group, &files->memory, &now.memory_bytes);
        if (!r)
                r = group_count(group, &files->oom_kills, &now.oom_kills);
        if (r)
                return r;
        (void)group_count(group, &files->cpu, &now.cpu_ns); /* where it is counted */
        now.oom_kills -= group->before.oom_kills;
        now.cpu_ns -= group->before.cpu_ns;
        *usage = now;
        return 0;
}
