/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/failure.h"
#include "namespaces.h"
#include "sandbox/landlock.h"
#include "sandbox/view.h"
#include "tree.h"

static const TreeRow tree[] = {
        {"lib", ""},
        {"lib/module.py", "-"},
        {"secret", "-"},
        {"link", "lib"},
};

static ViewPlan *make_plan(void) {
        ViewPlan *plan = NULL;

        CHECK(view_plan_new(&plan) == 0 && view_plan_add_system(plan, NULL) == 0);
        CHECK(view_plan_add(plan, tree_path("link"), NULL) == 0);
        CHECK(view_plan_seal(plan, NULL) == 0);
        return plan;
}

static int opens(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        (void)close(fd);
        return 0;
}

static void enforce(ViewPlan *plan, bool programs) {
        Failure failure = FAILURE_NULL;
        int fd = -1;

        if (!landlock_abi())
                _exit(CHILD_NO_LANDLOCK);
        CHECK(landlock_ruleset_new(&fd, false, NULL) == 0);
        if (view_plan_allow(plan, fd, programs, &failure)) {
                (void)fprintf(stderr, "%s\n", failure.text);
                _exit(CHILD_FAILED);
        }
        CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        CHECK(landlock_ruleset_enforce(fd, NULL) == 0);
        (void)view_plan_free(plan);
}

static int starts(const char *path) {
        int status = 0;

        if (fork() == 0) {
                (void)execl(path, "true", NULL);
                _exit(127);
        }
        CHECK(wait(&status) > 0 && WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void check_common(void) {
        CHECK(opens(tree_path("lib/module.py"), O_RDONLY) == 0);
        CHECK(opens("/etc/ld.so.cache", O_RDONLY) == 0);
        CHECK(opens("/usr/lib", O_RDONLY) == 0);
        CHECK(opens("/dev/null", O_RDWR) == 0);
        CHECK(opens(tree_path("secret"), O_RDONLY) != 0);
}

/* Without mounts the host is all there, and closed. */
static int on_the_host(void) {
        ViewPlan *plan = make_plan();

        CHECK(view_plan_open(plan, NULL) == 0 && plan->root_fd == -1);
        enforce(plan, false);
        check_common();
        CHECK(opens("/", O_RDONLY) == -EACCES);
        CHECK(opens("/etc/passwd", O_RDONLY) == -EACCES);
        CHECK(opens("/proc/self/maps", O_RDONLY) == -EACCES);
        CHECK(opens("/usr/bin/true", O_RDONLY) == -EACCES);
        CHECK(starts("/usr/bin/true") == 127);
        return CHILD_PASSED;
}

static int on_the_host_with_programs(void) {
        ViewPlan *plan = make_plan();

        CHECK(view_plan_open(plan, NULL) == 0);
        enforce(plan, true);
        check_common();
        CHECK(opens("/usr/bin/true", O_RDONLY) == 0);
        CHECK(starts("/bin/true") == 0);
        CHECK(opens("/etc/passwd", O_RDONLY) == -EACCES);
        return CHILD_PASSED;
}

/* @before: the descriptors are those of the host, and hold in the view as well. */
static void enter(ViewPlan *plan, bool before, bool programs) {
        const ViewPrivate private = {
                .disk_bytes = 1 << 20, .uid = UINT32_MAX, .proc_fd = -1, .programs = programs};

        namespaces_unshare(CLONE_NEWNS);
        if (before)
                CHECK(view_plan_open(plan, NULL) == 0);
        CHECK(view_plan_apply(plan, NULL) == 0);
        if (!before)
                CHECK(view_plan_open(plan, NULL) == 0 && plan->root_fd >= 0);
        CHECK(view_enter_private(plan, &private, NULL) == 0);
}

static int in_the_view(void) {
        ViewPlan *plan = make_plan();

        enter(plan, false, false);
        CHECK(opens(VIEW_DECOY, O_RDONLY) == 0);
        enforce(plan, false);
        check_common();
        CHECK(opens("/", O_RDONLY) == 0);
        CHECK(opens("/etc/passwd", O_RDONLY) == 0);
        CHECK(opens(VIEW_DECOY, O_RDONLY) == -EACCES);
        CHECK(opens("/tmp/x", O_WRONLY | O_CREAT) == -EACCES); /* its rule comes from elsewhere */
        CHECK(opens("/usr/bin/true", O_RDONLY) == -ENOENT);
        return CHILD_PASSED;
}

static int in_the_view_with_programs(void) {
        ViewPlan *plan = make_plan();

        enter(plan, false, true);
        enforce(plan, true);
        check_common();
        CHECK(starts("/bin/true") == 0);
        CHECK(opens(VIEW_DECOY, O_RDONLY) == -EACCES);
        return CHILD_PASSED;
}

static int opened_before(void) {
        ViewPlan *plan = make_plan();

        enter(plan, true, true);
        enforce(plan, true);
        check_common();
        CHECK(starts("/bin/true") == 0);
        CHECK(opens("/", O_RDONLY) == -EACCES);
        return CHILD_PASSED;
}

static int vanished(void) {
        Failure failure = FAILURE_NULL;
        ViewPlan *plan = make_plan();

        CHECK(rename(tree_path("lib"), tree_path("gone")) == 0);
        CHECK(view_plan_open(plan, &failure) < 0 && strstr(failure.text, tree_path("lib")));
        (void)view_plan_free(plan);
        return CHILD_PASSED;
}

static const ChildFn rows[] = {
        on_the_host,   on_the_host_with_programs,
        in_the_view,   in_the_view_with_programs,
        opened_before, vanished,
};

static void run_below(const char *parent, ChildFn row) {
        tree_new(parent, tree, ARRAY_SIZE(tree));
        child_run(row);
        tree_free();
}

static void test_row(void **state) {
        run_below("/var/tmp", *(const ChildFn *)*state);
        run_below("/tmp", *(const ChildFn *)*state);
}

int main(void) {
        struct CMUnitTest tests[ARRAY_SIZE(rows)];

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                tests[i] = (struct CMUnitTest){"row", test_row, NULL, NULL,
                                               (void *)(uintptr_t)&rows[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
