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
#include <sys/resource.h>
#include <unistd.h>

#include "base/failure.h"
#include "namespaces.h"
#include "sandbox/confinement.h"
#include "sandbox/credentials.h"
#include "sandbox/landlock.h"
#include "sandbox/view.h"

#define VALGRIND getenv("UNDER_VALGRIND")
#define ALWAYS                                                                                     \
        (LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_CAPABILITIES) |                                \
         LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_UNDUMPABLE))
#define KERNEL (ALWAYS | LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP))

/* Without a mount namespace: the view is a list of what Landlock lets through. */
static ConfinementPlan make_plan(LayerSet planned) {
        ConfinementPlan plan = {
                .planned = planned,
                .private = {.disk_bytes = 1 << 20, .uid = UID_STAY, .proc_fd = -1},
                .work_dir_fd = open("/var/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC),
                .uid = UID_STAY,
        };
        static ViewPlan *view; /* stays within reach: the child just ends */

        if (view_plan_new(&view) || view_plan_add_system(view, NULL) || view_plan_seal(view, NULL))
                abort();
        plan.view = view;
        rlimit_plan_init(&plan.rlimits);
        rlimit_plan_add(&plan.rlimits, RLIMIT_FSIZE, 4096);
        return plan;
}

static int apply(ConfinementPlan *plan, LayerSet *layersp, Failure *failure) {
        int r;

        r = view_plan_open((ViewPlan *)(uintptr_t)plan->view, failure);
        if (!r)
                r = confinement_prepare(plan, failure);
        return r ? r : confinement_apply(plan, layersp, failure);
}

static void check_attributes(void) {
        struct rlimit limit;

        CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
        CHECK(prctl(PR_GET_DUMPABLE) == 0);
        CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max == 4096);
        CHECK(unshare(CLONE_NEWNS) < 0);
}

/* Without namespaces and as an ordinary user: what is claimed is what is there. */
static int least(void) {
        ConfinementPlan plan = make_plan(ALWAYS);
        Failure failure = FAILURE_NULL;
        LayerSet layers = 0;
        char cwd[64] = "";

        CHECK(apply(&plan, &layers, &failure) == 0);
        CHECK(layers == ALWAYS);
        CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/var/tmp") == 0);
        check_attributes();
        return CHILD_PASSED;
}

/* Landlock and seccomp alone keep the host's files closed. */
static int kernel(void) {
        ConfinementPlan plan = make_plan(KERNEL);
        LayerSet layers = 0;

        if (VALGRIND)
                return CHILD_FILTERS_VALGRIND;
        if (landlock_abi() == 0)
                return CHILD_NO_LANDLOCK;
        CHECK(apply(&plan, &layers, NULL) == 0);
        CHECK(layers == KERNEL);
        CHECK(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
        CHECK(open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC) >= 0);
        CHECK(open("mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 && unlink("mine") == 0);
        CHECK(fork() < 0 && errno == EPERM);
        return CHILD_PASSED;
}

static int with_uid(void) {
        ConfinementPlan plan = make_plan(ALWAYS | LAYER_BIT(LAYER_UID));
        LayerSet layers = 0;

        if (credentials_probe() <= 0)
                return CHILD_NOT_ROOT;
        plan.uid = UID_LEASE_BASE + 1;
        CHECK(apply(&plan, &layers, NULL) == 0);
        CHECK(layers == (ALWAYS | LAYER_BIT(LAYER_UID)));
        CHECK(getuid() == UID_LEASE_BASE + 1);
        check_attributes();
        return CHILD_PASSED;
}

static int with_view(void) {
        ConfinementPlan plan = make_plan(ALWAYS | LAYER_BIT(LAYER_MOUNT_NAMESPACE));
        LayerSet layers = 0;
        int fd;

        namespaces_unshare(CLONE_NEWNS);
        CHECK(view_plan_apply((ViewPlan *)(uintptr_t)plan.view, NULL) == 0);
        CHECK(apply(&plan, &layers, NULL) == 0);
        CHECK(layers == (ALWAYS | LAYER_BIT(LAYER_MOUNT_NAMESPACE)));
        check_attributes();
        fd = open("/tmp/mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd >= 0);
        CHECK(umount2("/tmp", 0) < 0 && errno == EPERM);
        return CHILD_PASSED;
}

/* What was inherited is claimed only if it is there. */
static int not_there(void) {
        ConfinementPlan plan = make_plan(ALWAYS);
        Failure failure = FAILURE_NULL;
        LayerSet layers = 0;

        plan.inherited = LAYER_BIT(LAYER_PID_NAMESPACE);
        CHECK(apply(&plan, &layers, &failure) < 0);
        CHECK(layers == 0 && strstr(failure.text, "pid_namespace"));
        return CHILD_PASSED;
}

/* Processes only where they can signal nobody else. */
static int unfenced(void) {
        ConfinementPlan plan = make_plan(ALWAYS);
        Failure failure = FAILURE_NULL;
        LayerSet layers = 0;

        plan.processes = true;
        CHECK(apply(&plan, &layers, &failure) == -EPERM);
        CHECK(layers == 0 && strstr(failure.text, "allow_processes"));
        return CHILD_PASSED;
}

/* The first step that fails ends it, and nothing is claimed. */
static int failing(void) {
        ConfinementPlan plan = make_plan(ALWAYS);
        Failure failure = FAILURE_NULL;
        LayerSet layers = 0;

        plan.work_dir_fd = -1;
        CHECK(apply(&plan, &layers, &failure) < 0);
        CHECK(layers == 0 && failure.stage == FAILURE_STAGE_SANDBOX && failure.text[0]);
        return CHILD_PASSED;
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {least, kernel, with_uid, with_view, not_there, unfenced, failing};
        const struct CMUnitTest tests[] = {
                {"least", run_row, NULL, NULL, &rows[0]},
                {"kernel", run_row, NULL, NULL, &rows[1]},
                {"with_uid", run_row, NULL, NULL, &rows[2]},
                {"with_view", run_row, NULL, NULL, &rows[3]},
                {"not_there", run_row, NULL, NULL, &rows[4]},
                {"unfenced", run_row, NULL, NULL, &rows[5]},
                {"failing", run_row, NULL, NULL, &rows[6]},
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
