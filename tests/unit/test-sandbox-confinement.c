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

#include "base/failure.h"
#include "namespaces.h"
#include "sandbox/confinement.h"
#include "sandbox/credentials.h"
#include "sandbox/view.h"

#define ALWAYS                                                                                     \
        (LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_CAPABILITIES) |                                \
         LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_UNDUMPABLE))

static ConfinementPlan make_plan(uint32_t uid) {
        ConfinementPlan plan = {
                .work_dir_fd = open("/var/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC),
                .disk_bytes = 1 << 20,
                .uid = uid,
                .inherited = LAYER_BIT(LAYER_PID_NAMESPACE),
        };

        rlimit_plan_init(&plan.rlimits);
        rlimit_plan_add(&plan.rlimits, RLIMIT_FSIZE, 4096);
        return plan;
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
        ConfinementPlan plan = make_plan(UID_STAY);
        Failure failure = FAILURE_NULL;
        LayerSet layers = 0;
        char cwd[64] = "";

        CHECK(confinement_apply(&plan, &layers, &failure) == 0);
        CHECK(layers == (ALWAYS | LAYER_BIT(LAYER_PID_NAMESPACE)));
        CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/var/tmp") == 0);
        check_attributes();
        return CHILD_PASSED;
}

static int with_uid(void) {
        ConfinementPlan plan = make_plan(UID_LEASE_BASE + 1);
        LayerSet layers = 0;

        if (!credentials_probe(UID_LEASE_BASE))
                return CHILD_NOT_ROOT;
        CHECK(confinement_apply(&plan, &layers, NULL) == 0);
        CHECK(layers == (ALWAYS | LAYER_BIT(LAYER_UID) | LAYER_BIT(LAYER_PID_NAMESPACE)));
        CHECK(getuid() == UID_LEASE_BASE + 1);
        check_attributes();
        return CHILD_PASSED;
}

static int with_view(void) {
        ConfinementPlan plan = make_plan(UID_STAY);
        LayerSet layers = 0;
        ViewPlan *view = NULL;
        int fd;

        CHECK(view_plan_new(&view) == 0 && view_plan_add_system(view, NULL) == 0);
        CHECK(view_plan_seal(view, NULL) == 0);
        namespaces_unshare(CLONE_NEWNS);
        CHECK(view_plan_apply(view, NULL) == 0);
        plan.view = view;
        CHECK(confinement_apply(&plan, &layers, NULL) == 0);
        CHECK(layers ==
              (ALWAYS | LAYER_BIT(LAYER_MOUNT_NAMESPACE) | LAYER_BIT(LAYER_PID_NAMESPACE)));
        check_attributes();
        fd = open("/tmp/mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd >= 0);
        CHECK(umount2("/tmp", 0) < 0 && errno == EPERM);
        (void)view_plan_free(view);
        return CHILD_PASSED;
}

/* The first step that fails ends it, and nothing is claimed. */
static int failing(void) {
        ConfinementPlan plan = make_plan(UID_STAY);
        Failure failure = FAILURE_NULL;
        LayerSet layers = 0;

        plan.work_dir_fd = -1;
        CHECK(confinement_apply(&plan, &layers, &failure) < 0);
        CHECK(layers == 0 && failure.stage == FAILURE_STAGE_SANDBOX && failure.text[0]);
        return CHILD_PASSED;
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {least, with_uid, with_view, failing};
        const struct CMUnitTest tests[] = {
                {"least", run_row, NULL, NULL, &rows[0]},
                {"with_uid", run_row, NULL, NULL, &rows[1]},
                {"with_view", run_row, NULL, NULL, &rows[2]},
                {"failing", run_row, NULL, NULL, &rows[3]},
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
