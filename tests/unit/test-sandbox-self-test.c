/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/failure.h"
#include "namespaces.h"
#include "sandbox/attributes.h"
#include "sandbox/capabilities.h"
#include "sandbox/credentials.h"
#include "sandbox/landlock.h"
#include "sandbox/rlimits.h"
#include "sandbox/self-test.h"
#include "sandbox/view.h"

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

#define TRIED                                                                                      \
        (LAYER_BIT(LAYER_PID_NAMESPACE) | LAYER_BIT(LAYER_MOUNT_NAMESPACE) |                       \
         LAYER_BIT(LAYER_UTS_NAMESPACE) | LAYER_BIT(LAYER_UID) | LAYER_BIT(LAYER_CAPABILITIES) |   \
         LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_UNDUMPABLE) |  \
         LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP))

static RlimitPlan rlimits;

/* --- one layer claimed, and nothing there ----------------------------------------------------- */

static Layer claimed_layer;

static int claim_falsely(void) {
        const SelfTestPlan plan = {.uid = UID_LEASE_BASE, .rlimits = &rlimits};
        const char *name = layer_name(claimed_layer);
        Failure failure = FAILURE_NULL;
        char wanted[64];

        if (claimed_layer == LAYER_CAPABILITIES && geteuid() != 0)
                namespaces_unshare(0); /* to have some */
        (void)snprintf(wanted, sizeof(wanted), "layer '%s' does not hold: ", name);
        CHECK(self_test(&plan, 0, &failure) == 0 && failure.stage == FAILURE_STAGE_NONE);
        CHECK(self_test(&plan, LAYER_BIT(claimed_layer), &failure) == -EPERM);
        CHECK(failure.stage == FAILURE_STAGE_SANDBOX);
        CHECK(strncmp(failure.text, wanted, strlen(wanted)) == 0);
        return CHILD_PASSED;
}

static void test_nothing_holds(void **state) {
        (void)state;
        rlimits = (RlimitPlan){0};
        rlimit_plan_add(&rlimits, RLIMIT_NOFILE, 1);
        for (claimed_layer = 0; claimed_layer < _LAYER_N; ++claimed_layer)
                if (TRIED & LAYER_BIT(claimed_layer))
                        child_run(claim_falsely);
}

/* What cannot be tried is believed. */
static void test_untried(void **state) {
        const SelfTestPlan plan = {.uid = UID_STAY};

        (void)state;
        assert_int_equal(self_test(&plan, ~TRIED, NULL), 0);
}

/* --- all layers, and each with a flaw --------------------------------------------------------- */

typedef enum Flaw {
        FLAW_NONE,
        FLAW_PID_1,
        FLAW_WRITABLE_ROOT,
        FLAW_NO_PRIVATE_TMP,
        FLAW_PROC,
        FLAW_NAME,
        FLAW_UID,
        FLAW_CAPABILITIES,
        FLAW_DUMPABLE,
        FLAW_LIMIT,
        FLAW_DECOY_OPEN,
        FLAW_UNSHARE,
        FLAW_EXECVE,
} Flaw;

typedef struct FlawRow {
        Flaw flaw;
        const char *text; /* NULL = all holds */
} FlawRow;

static FlawRow row;

static void load_filter(void) {
        unsigned int unshare_nr = row.flaw == FLAW_UNSHARE ? ~0u : SYS_unshare;
        unsigned int execve_nr = row.flaw == FLAW_EXECVE ? ~0u : SYS_execve;
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, unshare_nr, 3, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 2, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, execve_nr, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        };
        struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};

        CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

static void load_landlock(const ViewPlan *view) {
        int fd = -1, decoy_fd = open(VIEW_DECOY, O_PATH | O_CLOEXEC);

        CHECK(landlock_ruleset_new(&fd, false, NULL) == 0);
        CHECK(view_plan_allow(view, fd, false, NULL) == 0);
        if (row.flaw == FLAW_DECOY_OPEN)
                CHECK(landlock_ruleset_allow(fd, decoy_fd, LANDLOCK_READ, NULL) == 0);
        CHECK(landlock_ruleset_enforce(fd, NULL) == 0);
        (void)close(fd);
        (void)close(decoy_fd);
}

static void enter_view(const ViewPlan *view) {
        ViewPrivate private = {.disk_bytes = 1 << 20, .uid = UINT32_MAX, .proc_fd = -1};

        if (row.flaw != FLAW_NO_PRIVATE_TMP)
                CHECK(view_enter_private(view, &private, NULL) == 0);
        if (row.flaw == FLAW_PROC)
                CHECK(mount("tmpfs", "/proc", "tmpfs", 0, NULL) == 0 &&
                      mkdir("/proc/self", 0755) == 0);
        if (row.flaw == FLAW_WRITABLE_ROOT)
                CHECK(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL) ==
                      0);
        if (row.flaw == FLAW_NAME)
                CHECK(sethostname("host", 4) == 0);
}

/* What a worker does to itself, and then how long the test takes and what it says. */
static int confined(const ViewPlan *view) {
        SelfTestPlan plan = {.uid = getuid(), .view = true, .rlimits = &rlimits};
        LayerSet claimed = TRIED;
        Failure failure = FAILURE_NULL;
        int r;

        enter_view(view);
        rlimits = (RlimitPlan){0};
        rlimit_plan_init(&rlimits);
        CHECK(rlimit_plan_apply(&rlimits, NULL) == 0);
        if (row.flaw == FLAW_LIMIT)
                rlimit_plan_add(&rlimits, RLIMIT_NOFILE, 1);
        if (row.flaw != FLAW_UID) /* it would take another one to hold */
                claimed &= ~LAYER_BIT(LAYER_UID);
        if (row.flaw != FLAW_CAPABILITIES)
                CHECK(capabilities_drop(NULL) == 0);
        CHECK(attributes_set_no_new_privs(NULL) == 0);
        if (row.flaw != FLAW_DUMPABLE)
                CHECK(attributes_set_undumpable(NULL) == 0);
        load_landlock(view);
        load_filter();
        r = self_test(&plan, claimed, &failure);
        if (row.text ? r != -EPERM || !strstr(failure.text, row.text) : r != 0)
                (void)fprintf(stderr, "flaw %d: %d %s\n", (int)row.flaw, r, failure.text);
        CHECK(row.text ? r == -EPERM && strstr(failure.text, row.text) : r == 0);
        return CHILD_PASSED;
}

/* PID 1 of a run; it ends with its parent, which waits until it is bound to. */
static void start_init(void) {
        int gate[2];
        char byte;

        CHECK(pipe2(gate, O_CLOEXEC) == 0);
        if (fork() == 0) {
                CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
                CHECK(write(gate[1], "x", 1) == 1);
                for (;;)
                        (void)pause();
        }
        CHECK(read(gate[0], &byte, 1) == 1);
        (void)close(gate[0]);
        (void)close(gate[1]);
}

static int try_flaw(void) {
        ViewPlan *view = NULL;
        int status = 0;
        pid_t pid;

        if (!landlock_abi())
                return CHILD_NO_LANDLOCK;
        CHECK(view_plan_new(&view) == 0 && view_plan_add_system(view, NULL) == 0);
        CHECK(view_plan_seal(view, NULL) == 0);
        namespaces_unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS);
        CHECK(sethostname("sandbox", 7) == 0);
        CHECK(view_plan_apply(view, NULL) == 0 && view_plan_open(view, NULL) == 0);
        if (row.flaw != FLAW_PID_1)
                start_init();
        pid = fork();
        if (pid == 0)
                _exit(confined(view));
        CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        (void)view_plan_free(view);
        return WEXITSTATUS(status);
}

/* S-20 */
static void test_flaws(void **state) {
        static const FlawRow rows[] = {
                {FLAW_NONE, NULL},
                {FLAW_PID_1, "'pid_namespace'"},
                {FLAW_WRITABLE_ROOT, "'mount_namespace' does not hold: the root"},
                {FLAW_NO_PRIVATE_TMP, "'mount_namespace' does not hold: /tmp"},
                {FLAW_PROC, "'mount_namespace' does not hold: there is a /proc"},
                {FLAW_NAME, "'uts_namespace'"},
                {FLAW_UID, "'uid'"},
                {FLAW_CAPABILITIES, "'capabilities'"},
                {FLAW_DUMPABLE, "'undumpable'"},
                {FLAW_LIMIT, "'rlimits'"},
                {FLAW_DECOY_OPEN, "'landlock'"},
                {FLAW_UNSHARE, "'seccomp' does not hold: a system call"},
                {FLAW_EXECVE, "'seccomp' does not hold: a system call"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                row = rows[i];
                child_run(try_flaw);
        }
}

/* --- a leased uid ----------------------------------------------------------------------------- */

static int lease(void) {
        SelfTestPlan plan = {.uid = UID_LEASE_BASE + 1};
        LayerSet uid = LAYER_BIT(LAYER_UID);

        if (credentials_probe() <= 0)
                return CHILD_NOT_ROOT;
        CHECK(setresgid(UID_LEASE_BASE + 1, UID_LEASE_BASE + 1, UID_LEASE_BASE + 1) == 0);
        CHECK(setgroups(1, &(gid_t){7}) == 0);
        CHECK(setresuid(UID_LEASE_BASE + 1, UID_LEASE_BASE + 1, UID_LEASE_BASE + 1) == 0);
        CHECK(self_test(&plan, uid, NULL) == -EPERM); /* a group has stayed */
        return CHILD_PASSED;
}

static int lease_well(void) {
        SelfTestPlan plan = {.uid = UID_LEASE_BASE + 1};
        LayerSet uid = LAYER_BIT(LAYER_UID);

        if (credentials_probe() <= 0)
                return CHILD_NOT_ROOT;
        CHECK(credentials_drop(plan.uid, NULL) == 0);
        CHECK(self_test(&plan, uid, NULL) == 0);
        ++plan.uid;
        CHECK(self_test(&plan, uid, NULL) == -EPERM);
        return CHILD_PASSED;
}

static void test_lease(void **state) {
        (void)state;
        child_run(lease);
        child_run(lease_well);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_holds),
                cmocka_unit_test(test_untried),
                cmocka_unit_test(test_flaws),
                cmocka_unit_test(test_lease),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
