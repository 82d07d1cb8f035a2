/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>

#include "groups.h"
#include "namespaces.h"
#include "sandbox/cgroup-file.h"
#include "sandbox/cgroup-tree.h"

#define MIB UINT64_C(1048576)

static void *map(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        CHECK(memory != MAP_FAILED);
        return memory;
}

static void take_64_mib(void) {
        (void)map(64 * MIB);
        _exit(CHILD_PASSED);
}

/* What is beyond the limit ends the process in the group, and nobody else. Where the whole group is
 * to go, v2 counts its first victim twice. */
static int memory_is_limited(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *small = groups_new(tree, 1, (CgroupLimits){.memory_bytes = 32 * MIB});
        Cgroup *large = groups_new(tree, 2, (CgroupLimits){.memory_bytes = 256 * MIB});
        CgroupUsage usage = {0};

        CHECK(groups_was_killed(groups_wait(groups_member(small, take_64_mib))));
        CHECK(groups_wait(groups_member(large, take_64_mib)) == 0);
        CHECK(cgroup_read(small, &usage) == 0 && usage.oom_kills >= 1);
        CHECK(cgroup_read(large, &usage) == 0 && usage.oom_kills == 0);
        (void)cgroup_free(small);
        (void)cgroup_free(large);
        return groups_done(tree);
}

/* Files in memory are memory, and stay charged to the group when their writer has ended. */
static void write_64_mib(void) {
        static char page[65536];
        int fd = open("/tmp/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        CHECK(fd >= 0);
        for (size_t i = 0; i < 64 * MIB / sizeof(page); ++i)
                CHECK(write(fd, page, sizeof(page)) == sizeof(page));
        _exit(CHILD_PASSED);
}

static int tmpfs_is_counted(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *small = groups_new(tree, 1, (CgroupLimits){.memory_bytes = 32 * MIB});
        Cgroup *large = groups_new(tree, 2, (CgroupLimits){.memory_bytes = 256 * MIB});
        CgroupUsage usage = {0};
        int status;

        namespaces_unshare(CLONE_NEWNS);
        CHECK(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
        CHECK(groups_wait(groups_member(large, write_64_mib)) == 0);
        CHECK(cgroup_read(large, &usage) == 0);
        CHECK(usage.memory_bytes >= 60 * MIB && usage.memory_bytes < 80 * MIB);
        CHECK(unlink("/tmp/file") == 0);
        status = groups_wait(groups_member(small, write_64_mib));
        CHECK(groups_was_killed(status));
        (void)cgroup_free(small);
        (void)cgroup_free(large);
        return groups_done(tree);
}

static void take_and_stay(void) {
        memset(map(48 * MIB), 1, 48 * MIB);
        CHECK(write(STDOUT_FILENO, "", 0) == 0);
}

/* Also the memory of a process that does nothing any more. */
static int memory_is_counted(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 1, (CgroupLimits){.memory_bytes = 256 * MIB});
        CgroupUsage usage = {0};
        pid_t pid;

        pid = groups_member(group, take_and_stay);
        while (usage.memory_bytes < 44 * MIB)
                CHECK(cgroup_read(group, &usage) == 0);
        CHECK(usage.memory_bytes < 64 * MIB && usage.oom_kills == 0);
        CHECK(kill(pid, SIGKILL) == 0 && groups_was_killed(groups_wait(pid)));
        (void)cgroup_free(group);
        return groups_done(tree);
}

static void fork_too_often(void) {
        for (unsigned int i = 0; i < 7; ++i) {
                pid_t pid = fork();

                CHECK(pid >= 0);
                if (pid == 0)
                        for (;;)
                                (void)pause();
        }
        CHECK(fork() < 0 && errno == EAGAIN);
        CHECK(kill(0, SIGKILL) == 0);
}

static void fork_in_a_session(void) {
        CHECK(setsid() > 0);
        fork_too_often();
}

static int tasks_are_limited(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 1, (CgroupLimits){.n_tasks = 8});

        CHECK(groups_was_killed(groups_wait(groups_member(group, fork_in_a_session))));
        (void)cgroup_free(group);
        return groups_done(tree);
}

/* The kernel's own word for each limit. */
static int limits_are_set(void) {
        static const char *const wanted[] = {
                [CGROUP_VALUE_MEMORY] = "33554432\n",
                [CGROUP_VALUE_TASKS] = "8\n",
                [CGROUP_VALUE_QUOTA] = "200000\n",
                [CGROUP_VALUE_QUOTA_AND_PERIOD] = "200000 100000\n",
        };
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 7, (CgroupLimits){32 * MIB, 8, 2});

        for (size_t i = 0; i < tree->files->n_settings; ++i) {
                const CgroupSetting *setting = &tree->files->settings[i];
                int part = tree->part_of[setting->role];
                char path[64], text[64];

                (void)snprintf(path, sizeof(path), "7/%s", setting->file);
                if (part < 0 || cgroup_file_read(tree->parts[part].fd, path, text, 64) < 0) {
                        CHECK(setting->optional);
                        continue;
                }
                if (wanted[setting->value])
                        CHECK(strcmp(text, wanted[setting->value]) == 0);
                else
                        CHECK(strncmp(text, setting->text, strlen(setting->text)) == 0);
        }
        (void)cgroup_free(group);
        return groups_done(tree);
}

static void burn(void) {
        struct timespec used = {0};

        while (used.tv_nsec < 30000000)
                CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0);
        _exit(CHILD_PASSED);
}

/* v1 counts it where cpuacct shares cpu's hierarchy. */
static int cpu_time_is_counted(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 1, (CgroupLimits){.memory_bytes = 64 * MIB});
        CgroupUsage usage = {0};

        CHECK(groups_wait(groups_member(group, burn)) == 0);
        CHECK(cgroup_read(group, &usage) == 0);
        CHECK(usage.cpu_ns >= 20000000 || (!usage.cpu_ns && tree->files == &cgroup_v1_files));
        CHECK(usage.cpu_ns < UINT64_C(10000000000));
        (void)cgroup_free(group);
        return groups_done(tree);
}

/* The kernel has a smaller share for it than for one that is not in the background. */
static int background_yields(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *groups[] = {groups_new(tree, 1, (CgroupLimits){.n_tasks = 8}),
                            groups_new(tree, 2, (CgroupLimits){.n_tasks = 8})};
        int part = tree->part_of[CGROUP_CPU];
        unsigned long shares[2] = {0};
        char path[64], text[64];

        cgroup_set_background(groups[1]);
        for (size_t i = 0; part >= 0 && i < ARRAY_SIZE(groups); ++i) {
                (void)snprintf(path, sizeof(path), "%zu/%s", i + 1, tree->files->background.file);
                CHECK(cgroup_file_read(tree->parts[part].fd, path, text, sizeof(text)) > 0);
                shares[i] = strtoul(text, NULL, 10);
        }
        CHECK(part < 0 || (shares[1] > 0 && shares[0] > 4 * shares[1]));
        (void)cgroup_free(groups[0]);
        (void)cgroup_free(groups[1]);
        return groups_done(tree);
}

/* Takes one again: by its limits, with its counters at nought, and only if nothing of the last one
 * is left in it. */
static int spares_are_as_new(void) {
        const CgroupLimits limits = {.memory_bytes = 32 * MIB, .n_tasks = 8};
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 1, limits), *other;
        CgroupUsage usage = {0};

        CHECK(groups_was_killed(groups_wait(groups_member(group, take_64_mib))));
        CHECK(cgroup_read(group, &usage) == 0 && usage.oom_kills >= 1);
        (void)cgroup_spare(group);

        other = groups_new(tree, 2, (CgroupLimits){.memory_bytes = 64 * MIB, .n_tasks = 8});
        CHECK(strcmp(other->name, "2") == 0);
        group = groups_new(tree, 3, limits);
        CHECK(strcmp(group->name, "1") == 0 && tree->n_spares == 0);
        CHECK(cgroup_read(group, &usage) == 0 && usage.oom_kills == 0);
        CHECK(groups_was_killed(groups_wait(groups_member(group, take_64_mib))));
        CHECK(cgroup_read(group, &usage) == 0 && usage.oom_kills >= 1);

        cgroup_set_background(group);
        (void)cgroup_spare(group);
        group = groups_new(tree, 4, limits);
        CHECK(strcmp(group->name, "4") == 0);
        (void)cgroup_free(group);
        (void)cgroup_free(other);
        return groups_done(tree);
}

/* A file that its writer has left in memory is charged to the group, whoever has it next. */
static int charged_ones_are_none(void) {
        const CgroupLimits limits = {.memory_bytes = 256 * MIB};
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 1, limits);

        namespaces_unshare(CLONE_NEWNS);
        CHECK(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
        CHECK(groups_wait(groups_member(group, write_64_mib)) == 0);
        (void)cgroup_spare(group);
        group = groups_new(tree, 2, limits);
        CHECK(strcmp(group->name, "2") == 0 && tree->n_spares == 0);
        (void)cgroup_free(group);
        return groups_done(tree);
}

static int members_are_seen(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 1, (CgroupLimits){.n_cpus = 1});
        pid_t pid;

        CHECK(!cgroup_is_populated(group));
        pid = groups_member(group, NULL);
        CHECK(cgroup_is_populated(group));
        CHECK(cgroup_has_member(group, pid));
        CHECK(!cgroup_has_member(group, getpid()));
        CHECK(!cgroup_has_member(group, -1));
        if (!cgroup_kill(group))
                CHECK(kill(pid, SIGKILL) == 0);
        CHECK(groups_was_killed(groups_wait(pid)));
        CHECK(!cgroup_is_populated(group));
        CHECK(!cgroup_has_member(group, pid));
        (void)cgroup_free(group);
        return groups_done(tree);
}

/* The descriptors decide, not the one who writes: they work from a user namespace that maps one
 * uid, in a pid namespace, under whatever uid. */
static int join_from_namespaces(void) {
        int fds[CGROUP_FDS_MAX], ready[2], status = 0;
        CgroupTree *tree;
        Cgroup *group;
        size_t n_fds;
        char byte;
        pid_t pid;

        if (child_lacks_pidfds())
                return CHILD_ON_VALGRIND;
        tree = groups_tree();
        group = groups_new(tree, 1, (CgroupLimits){.memory_bytes = 64 * MIB});
        n_fds = cgroup_join_fds(group, fds);
        CHECK(pipe(ready) == 0);
        pid = fork();
        if (pid == 0) {
                namespaces_unshare(CLONE_NEWPID);
                pid = fork();
                if (pid == 0) {
                        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getpid() == 1);
                        CHECK(cgroup_join(fds, n_fds, NULL) == 0);
                        CHECK(write(ready[1], "r", 1) == 1);
                        for (;;)
                                (void)pause();
                }
                CHECK(waitpid(pid, &status, 0) == pid);
                _exit(groups_was_killed(status) ? CHILD_PASSED : CHILD_FAILED);
        }
        (void)close(ready[1]);
        if (read(ready[0], &byte, 1) == 1) {
                CHECK(cgroup_is_populated(group));
                (void)cgroup_free(group); /* and the tree kills what is left */
                status = groups_done(tree);
                CHECK(groups_wait(pid) == 0);
                return status;
        }
        status = groups_wait(pid); /* no namespaces */
        (void)cgroup_free(group);
        (void)groups_done(tree);
        return WEXITSTATUS(status);
}

/* An agent in namespaces of its own makes groups by the directories that its stub has opened. */
static int made_in_namespaces(void) {
        CgroupTree *tree = groups_tree();
        int status;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                Cgroup *group;

                namespaces_unshare(CLONE_NEWNS);
                group = groups_new(tree, 1, (CgroupLimits){32 * MIB, 8, 1});
                CHECK(groups_was_killed(groups_wait(groups_member(group, take_64_mib))));
                (void)cgroup_free(group);
                (void)cgroup_tree_free(tree);
                _exit(CHILD_PASSED);
        }
        status = groups_wait(pid);
        (void)groups_done(tree);
        return WEXITSTATUS(status);
}

/* Groups are given back while their processes still die; none is left. */
static int many_dying(void) {
        enum {
                N = 200
        };
        CgroupTree *tree = groups_tree();
        pid_t pids[N];

        for (unsigned int i = 0; i < N; ++i) {
                Cgroup *group = groups_new(tree, i, (CgroupLimits){.memory_bytes = 64 * MIB});

                pids[i] = groups_member(group, NULL);
                if (i % 2)
                        CHECK(kill(pids[i], SIGKILL) == 0);
                (void)cgroup_free(group);
        }
        for (unsigned int i = 0; i < N; ++i) {
                CHECK(i % 2 || kill(pids[i], SIGKILL) == 0);
                CHECK(groups_was_killed(groups_wait(pids[i])));
        }
        cgroup_sweep(tree);
        for (unsigned int i = 0; i < N; ++i) /* the names are free */
                (void)cgroup_free(groups_new(tree, i, (CgroupLimits){0}));
        return groups_done(tree);
}

static int names_are_used_once(void) {
        CgroupTree *tree = groups_tree();
        Cgroup *group = groups_new(tree, 1, (CgroupLimits){0}), *again = NULL;
        Failure failure = FAILURE_NULL;

        CHECK(cgroup_new(&again, tree, 1, &(CgroupLimits){0}, &failure) == -EEXIST);
        CHECK(!again && strstr(failure.text, "cannot make a control group"));
        (void)cgroup_free(group);
        return groups_done(tree);
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

#define ROW(fn)                                                                                    \
        {                                                                                          \
#fn, run_row, NULL, NULL, &(ChildFn) {                                             \
                        fn                                                                         \
                }                                                                                  \
        }

int main(void) {
        const struct CMUnitTest tests[] = {
                ROW(memory_is_limited),    ROW(tmpfs_is_counted),
                ROW(memory_is_counted),    ROW(tasks_are_limited),
                ROW(limits_are_set),       ROW(cpu_time_is_counted),
                ROW(background_yields),    ROW(members_are_seen),
                ROW(join_from_namespaces), ROW(made_in_namespaces),
                ROW(many_dying),           ROW(names_are_used_once),
                ROW(spares_are_as_new),    ROW(charged_ones_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
