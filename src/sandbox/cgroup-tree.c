/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/cgroup-delegation.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup-remove.h"
#include "sandbox/cgroup-tree.h"

#define TREE_NAMES_MAX   16      /* in as many pid namespaces we may have the same pid */
#define TREE_PATIENCE_MS 1000    /* until killed processes have left */
#define PROC_TEXT_MAX    4194304 /* hosts with thousands of mounts */

static int tree_refuse(Failure *failure, int code, const char *what, const char *path) {
        if (code == -ENOMEM || code == -EMFILE || code == -ENFILE)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -code, "%s '%.300s'", what,
                                     path);
        (void)failure_errno(failure, FAILURE_STAGE_SANDBOX, -code, "%s '%.300s'", what, path);
        return CGROUP_E_NONE;
}

static int tree_read_proc(const char *proc, const char *name, char **textp, Failure *failure) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        _cleanup_(closep) int fd = -1;
        char path[256];
        size_t length;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "%s/self/%s", proc, name);
        buffer_init(&buffer, PROC_TEXT_MAX);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return tree_refuse(failure, -errno, "cannot open", path);
        do {
                uint8_t *space;

                if (buffer_reserve(&buffer, 16384, &space))
                        return tree_refuse(failure, -ENOMEM, "cannot read", path);
                n = fd_read(fd, space, 16384);
                if (n < 0)
                        return tree_refuse(failure, (int)n, "cannot read", path);
                buffer_commit(&buffer, (size_t)n);
        } while (n > 0);
        *textp = buffer_steal(&buffer, &length);
        return *textp ? 0 : tree_refuse(failure, -ENOMEM, "cannot read", path);
}

/* Plans a part below @parent for @role, or shares the one that is there already. */
static int tree_add_part(CgroupTree *tree, CgroupRole role, const char *parent, Failure *failure) {
        CgroupPart *part = &tree->parts[tree->n_parts];
        size_t length = strlen(parent);

        for (size_t i = 0; i < tree->n_parts; ++i)
                if (!strcmp(tree->parts[i].path, parent)) {
                        tree->part_of[role] = (int)i;
                        return 0;
                }
        if (length + 64 > CGROUP_PATH_MAX) /* "/spr-PID-N/NAME" */
                return tree_refuse(failure, -ENAMETOOLONG, "cannot use the control group", parent);
        memcpy(part->path, parent, length + 1);
        part->parent_length = length;
        tree->part_of[role] = (int)tree->n_parts++;
        return 0;
}

static int tree_plan_v2(CgroupTree *tree, const CgroupPlace *place, Failure *failure) {
        char path[CGROUP_PATH_MAX];
        int r;

        r = cgroup_delegation_find(place, path, failure);
        if (r)
                return r;
        tree->files = &cgroup_v2_files;
        for (CgroupRole role = 0; role < _CGROUP_ROLE_N; ++role) {
                r = tree_add_part(tree, role, path, failure);
                if (r)
                        return r;
        }
        (void)snprintf(tree->description, sizeof(tree->description), "v2 /%.100s",
                       path[strlen(place->mount)] ? path + strlen(place->mount) + 1 : "");
        return 0;
}

/* Below the own group, so that its limits hold for us, too. */
static int
tree_plan_v1_role(CgroupTree *tree, CgroupRole role, const CgroupPlace *place, Failure *failure) {
        _cleanup_(closep) int fd = -1;
        char path[CGROUP_PATH_MAX];
        size_t length;
        int n;

        n = snprintf(path, sizeof(path), "%s%s", place->mount, place->group);
        fd = n < 0 || n >= CGROUP_PATH_MAX ? -ENAMETOOLONG : cgroup_directory_open(path);
        if (fd < 0) /* it has been removed, or is not what the mount shows */
                (void)snprintf(path, sizeof(path), "%s", place->mount);
        length = strlen(tree->description);
        (void)snprintf(tree->description + length, sizeof(tree->description) - length, "%c%s",
                       length == 2 ? ' ' : ',', cgroup_role_name(role));
        return tree_add_part(tree, role, path, failure);
}

static int tree_plan_v1(CgroupTree *tree, const CgroupPlaces *places, Failure *failure) {
        int r;

        tree->files = &cgroup_v1_files;
        (void)snprintf(tree->description, sizeof(tree->description), "v1");
        for (CgroupRole role = 0; role < _CGROUP_ROLE_N; ++role) {
                if (places->v1[role].mounted) {
                        r = tree_plan_v1_role(tree, role, &places->v1[role], failure);
                        if (r)
                                return r;
                } else if (role != CGROUP_CPU) {
                        (void)failure_set(failure, FAILURE_STAGE_SANDBOX, 0,
                                          "no control groups with the controller '%s' are mounted",
                                          cgroup_role_name(role));
                        return CGROUP_E_NONE;
                }
        }
        return 0;
}

/* A hybrid host mounts v2 without controllers, which v1 has. */
static bool tree_has_v2(const CgroupPlace *place) {
        _cleanup_(closep) int fd = -1;

        if (!place->mounted)
                return false;
        fd = cgroup_directory_open(place->mount);
        return fd >= 0 && cgroup_file_has(fd, "cgroup.controllers", "memory") &&
               cgroup_file_has(fd, "cgroup.controllers", "pids");
}

static int tree_plan(CgroupTree *tree, const char *root, const char *proc, Failure *failure) {
        _cleanup_(freep) char *mountinfo = NULL, *membership = NULL;
        _cleanup_(cgroup_places_freep) CgroupPlaces *places = NULL;
        int r;

        r = tree_read_proc(proc, "mountinfo", &mountinfo, failure);
        if (r)
                return r;
        r = tree_read_proc(proc, "cgroup", &membership, failure);
        if (r)
                return r;
        places = cgroup_places_new(root, mountinfo, membership);
        if (!places)
                return tree_refuse(failure, -ENOMEM, "cannot look below", root);
        if (tree_has_v2(&places->v2))
                return tree_plan_v2(tree, &places->v2, failure);
        return tree_plan_v1(tree, places, failure);
}

/* Makes one part under the planned path, as @name. */
static int part_make(CgroupPart *part, const char *name, const CgroupFiles *files) {
        _cleanup_(closep) int parent_fd = -1;
        int r = 0;

        part->path[part->parent_length] = '\0';
        parent_fd = cgroup_directory_open(part->path);
        if (parent_fd < 0)
                return parent_fd;
        cgroup_remove_stale(parent_fd);
        if (mkdirat(parent_fd, name, 0700) < 0)
                return -errno;
        part->fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (part->fd < 0 || flock(part->fd, LOCK_EX | LOCK_NB) < 0)
                r = -errno;
        else if (files->enabled_controllers)
                r = cgroup_delegation_enable(part->fd);
        if (r) {
                part->fd = fd_close(part->fd);
                (void)unlinkat(parent_fd, name, AT_REMOVEDIR);
                return r;
        }
        (void)snprintf(part->path + part->parent_length, CGROUP_PATH_MAX - part->parent_length,
                       "/%s", name);
        return 0;
}

/* Whether the directories are what mountinfo has made us believe, and not a file system that was
 * mounted over them. */
static int tree_check(const CgroupTree *tree) {
        for (size_t i = 0; i < tree->files->n_settings; ++i) {
                const CgroupSetting *setting = &tree->files->settings[i];
                int part = tree->part_of[setting->role];

                if (!setting->optional &&
                    faccessat(tree->parts[part].fd, setting->file, W_OK, AT_EACCESS) < 0)
                        return -errno;
        }
        return 0;
}

static void part_remove(CgroupPart *part, unsigned int patience_ms) {
        _cleanup_(closep) int parent_fd = -1;

        part->path[part->parent_length] = '\0';
        parent_fd = cgroup_directory_open(part->path);
        part->path[part->parent_length] = '/';
        if (parent_fd >= 0)
                (void)cgroup_remove(parent_fd, part->path + part->parent_length + 1, patience_ms);
}

static void tree_unmake(CgroupTree *tree) {
        for (size_t i = 0; i < tree->n_parts; ++i) {
                if (tree->parts[i].fd < 0)
                        continue;
                tree->parts[i].fd = fd_close(tree->parts[i].fd);
                part_remove(&tree->parts[i], 0);
        }
}

static int tree_make_as(CgroupTree *tree, const char *name, Failure *failure) {
        int r = 0;

        for (size_t i = 0; i < tree->n_parts && !r; ++i) {
                r = part_make(&tree->parts[i], name, tree->files);
                if (r)
                        r = tree_refuse(failure, r, "cannot make a control group in",
                                        tree->parts[i].path);
        }
        if (!r) {
                r = tree_check(tree);
                if (r)
                        r = tree_refuse(failure, r,
                                        "this is no control group:", tree->parts[0].path);
        }
        if (r)
                tree_unmake(tree);
        return r;
}

static int tree_make(CgroupTree *tree, Failure *failure) {
        char name[40];
        int r;

        (void)snprintf(name, sizeof(name), "spr-%d", (int)getpid());
        r = tree_make_as(tree, name, failure);
        for (unsigned int i = 1; r && failure->code == EEXIST && i < TREE_NAMES_MAX; ++i) {
                (void)snprintf(name, sizeof(name), "spr-%d-%u", (int)getpid(), i);
                r = tree_make_as(tree, name, failure);
        }
        return r;
}

int cgroup_tree_new(CgroupTree **treep, const char *root, const char *proc, Failure *failure) {
        _cleanup_(cgroup_tree_freep) CgroupTree *tree = NULL;
        Failure unseen = FAILURE_NULL;
        int r;

        if (!failure)
                failure = &unseen;
        tree = calloc(1, sizeof(*tree));
        if (!tree)
                return tree_refuse(failure, -ENOMEM, "cannot look below", root);
        list_init(&tree->leftovers);
        list_init(&tree->spares);
        for (size_t i = 0; i < ARRAY_SIZE(tree->parts); ++i)
                tree->parts[i].fd = -1;
        for (size_t i = 0; i < ARRAY_SIZE(tree->part_of); ++i)
                tree->part_of[i] = -1;
        r = tree_plan(tree, root, proc, failure);
        if (!r)
                r = tree_make(tree, failure);
        if (r)
                return r;
        *treep = take_ptr(&tree);
        return 0;
}

void cgroup_tree_remove(CgroupTree *tree) {
        for (size_t i = 0; i < tree->n_parts; ++i)
                part_remove(&tree->parts[i], TREE_PATIENCE_MS);
}

CgroupTree *cgroup_tree_free(CgroupTree *tree) {
        if (!tree)
                return NULL;
        list_for_each(link, &tree->leftovers) free(container_of(link, Cgroup, link));
        list_for_each(link, &tree->spares) free(container_of(link, Cgroup, link));
        for (size_t i = 0; i < ARRAY_SIZE(tree->parts); ++i)
                tree->parts[i].fd = fd_close(tree->parts[i].fd);
        free(tree);
        return NULL;
}

const char *cgroup_tree_describe(const CgroupTree *tree) {
        return tree->description;
}
