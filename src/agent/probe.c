/* SPDX-License-Identifier: MIT */
/*
 * A layer is tried, never judged by versions: filters, security modules and sysctls refuse what the
 * kernel has. What is tried cannot be undone, hence a child for each, with an alarm clock.
 *
 * The control groups and the user namespace are tried before the nest is entered: the stub makes
 * the groups, and the nest itself is the user namespace. All else is tried inside, as at run time.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/nest.h"
#include "agent/probe.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/attributes.h"
#include "sandbox/capabilities.h"
#include "sandbox/cgroup.h"
#include "sandbox/credentials.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/pidns.h"
#include "sandbox/procfs.h"
#include "sandbox/rlimits.h"
#include "sandbox/seccomp.h"
#include "sandbox/userns.h"
#include "sandbox/view.h"

#define PROBE_SECONDS    5
#define PROBE_DISK_BYTES (UINT64_C(1) << 20)

#define LANDLOCK_ABI_NETWORK 4 /* the first that refuses TCP */
#define LANDLOCK_ABI_SCOPES  6 /* the first that keeps signals in */

/* In headers only since Linux 5.13; the same number everywhere. */
#define SYS_LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_ASK_ABI            1u

typedef struct Probe {
        bool outside; /* before the nest is entered */
        void (*attempt)(ProbeAnswer *answer);
} Probe;

static const char *const state_names[_PROBE_STATE_N] = {
        [PROBE_OK] = "ok",
        [PROBE_WEAK] = "weak",
        [PROBE_INAPPLICABLE] = "inapplicable",
        [PROBE_MISSING] = "missing",
};

static void answer_set(ProbeAnswer *answer, ProbeState state, int error, const char *detail) {
        answer->state = state;
        answer->error = error;
        (void)snprintf(answer->detail, sizeof(answer->detail), "%s", detail);
}

/* @r is what a function of the sandbox returned. */
static void answer_take(ProbeAnswer *answer, int r, const Failure *failure) {
        if (r)
                answer_set(answer, PROBE_MISSING, failure->code, failure->text);
        else
                answer_set(answer, PROBE_OK, 0, "");
}

/* attempts, each in a child of its own */

static void attempt_user_namespace(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL;
        uid_t uid = geteuid();
        gid_t gid = getegid();
        int r;

        if (unshare(CLONE_NEWUSER) < 0) {
                answer_set(answer, PROBE_MISSING, errno, "cannot make a user namespace");
                return;
        }
        r = userns_map_self(uid, gid, &failure);
        answer_take(answer, r, &failure);
        if (!r &&
            (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
                answer_set(answer, PROBE_MISSING, errno,
                           "a user namespace is granted, but no right in it");
}

/* As the zygote does: into the namespace of an init, and a child there, which is not PID 1. */
static void attempt_pid_namespace(ProbeAnswer *answer) {
        PidnsInit init = PIDNS_INIT_NULL;
        Failure failure = FAILURE_NULL;
        int status = 0, r;
        pid_t pid;

        r = pidns_init_new(&init, NULL, &failure);
        if (!r)
                r = pidns_enter(init.pidfd, &failure);
        answer_take(answer, r, &failure);
        if (r)
                return;
        pid = fork();
        if (pid == 0)
                _exit(getpid() == 2 ? 0 : 1);
        if (pid < 0)
                answer_set(answer, PROBE_MISSING, errno, "cannot fork into a pid namespace");
        else if (waitpid(pid, &status, 0) != pid || status != 0)
                answer_set(answer, PROBE_MISSING, 0,
                           "a child in a pid namespace is not its second");
        pidns_init_kill(&init);
}

static int attempt_view(Failure *failure) {
        _cleanup_(view_plan_freep) ViewPlan *plan = NULL;
        ViewPrivate private = {.disk_bytes = PROBE_DISK_BYTES, .uid = UID_STAY, .proc_fd = -1};
        int r;

        r = view_plan_new(&plan);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r, "cannot plan a view");
        r = view_plan_add_system(plan, failure);
        if (!r)
                r = view_plan_seal(plan, failure);
        if (!r)
                r = view_plan_apply(plan, failure);
        if (r == VIEW_E_REFUSED)
                return failure_lit(failure, FAILURE_STAGE_SANDBOX, errno, "cannot make mounts");
        return r ? r : view_enter_private(plan, &private, failure);
}

/* Where parts of /proc are masked, as in most containers, no other can be mounted beside it. */
static void attempt_mount_namespace(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL, no_proc = FAILURE_NULL;
        int proc_fd = -1, r;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                answer_set(answer, PROBE_MISSING, errno, "cannot make a mount namespace");
                return;
        }
        if (procfs_open(&proc_fd, &no_proc) == 0)
                proc_fd = fd_close(proc_fd);
        r = attempt_view(&failure);
        answer_take(answer, r, &failure);
        if (!r && no_proc.code)
                answer_set(answer, PROBE_WEAK, no_proc.code,
                           "only runs that ask for no /proc are possible");
}

static void attempt_empty(ProbeAnswer *answer, Layer layer, int flag) {
        if (namespaces_enter_empty(LAYER_BIT(layer)))
                answer_set(answer, PROBE_OK, 0, "");
        else
                answer_set(answer, PROBE_MISSING, unshare(flag) < 0 ? errno : 0,
                           "cannot make the namespace");
}

static void attempt_cgroup_namespace(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL;

        answer_take(answer, namespaces_enter_cgroup(&failure), &failure);
}

static void attempt_net_namespace(ProbeAnswer *answer) {
        attempt_empty(answer, LAYER_NET_NAMESPACE, CLONE_NEWNET);
}

static void attempt_ipc_namespace(ProbeAnswer *answer) {
        attempt_empty(answer, LAYER_IPC_NAMESPACE, CLONE_NEWIPC);
}

static void attempt_uts_namespace(ProbeAnswer *answer) {
        attempt_empty(answer, LAYER_UTS_NAMESPACE, CLONE_NEWUTS);
}

static void attempt_cgroup(ProbeAnswer *answer) {
        _cleanup_(cgroup_tree_freep) CgroupTree *tree = NULL;
        Failure failure = FAILURE_NULL;
        int r;

        r = cgroup_tree_new(&tree, "/sys/fs/cgroup", "/proc", &failure);
        answer_take(answer, r, &failure);
        if (r)
                return;
        answer_set(answer, PROBE_OK, 0, cgroup_tree_describe(tree));
        cgroup_tree_remove(tree);
}

static void attempt_uid(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL;
        int r;

        if (geteuid() != 0) {
                answer_set(answer, PROBE_INAPPLICABLE, 0, "only root has uids to lease");
                return;
        }
        r = credentials_drop(UID_LEASE_BASE, &failure);
        answer_take(answer, r, &failure);
}

static void attempt_capabilities(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL;
        int r;

        capabilities_drop_bounding();
        r = capabilities_drop(&failure);
        answer_take(answer, r, &failure);
}

static void attempt_no_new_privs(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL;
        int r;

        r = attributes_set_no_new_privs(&failure);
        answer_take(answer, r, &failure);
}

static void attempt_rlimits(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL;
        RlimitPlan plan;
        int r;

        rlimit_plan_init(&plan);
        rlimit_plan_add(&plan, RLIMIT_FSIZE, PROBE_DISK_BYTES);
        r = rlimit_plan_apply(&plan, &failure);
        answer_take(answer, r, &failure);
}

static void attempt_undumpable(ProbeAnswer *answer) {
        Failure failure = FAILURE_NULL;
        int r;

        r = attributes_die_with_parent(&failure);
        if (!r)
                r = attributes_set_undumpable(&failure);
        answer_take(answer, r, &failure);
}

static void attempt_landlock(ProbeAnswer *answer) {
        int abi = landlock_abi();

        if (abi <= 0) {
                long r = syscall(SYS_LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_ASK_ABI);

                answer_set(answer, PROBE_MISSING, r < 0 ? errno : 0, "Landlock does not answer");
        } else if (landlock_probe() <= 0) {
                answer_set(answer, PROBE_MISSING, 0, "a ruleset is taken, but refuses nothing");
        } else {
                bool weak = abi < LANDLOCK_ABI_SCOPES;

                answer->state = weak ? PROBE_WEAK : PROBE_OK;
                (void)snprintf(answer->detail, sizeof(answer->detail), "ABI %d%s", abi,
                               abi < LANDLOCK_ABI_NETWORK ? ": files only"
                               : weak                     ? ": files and TCP, not signals"
                                                          : "");
        }
}

static void attempt_seccomp(ProbeAnswer *answer) {
        if (seccomp_probe() > 0) {
                answer_set(answer, PROBE_OK, 0, "");
                return;
        }
        errno = 0; /* without a program: EFAULT where filters are taken */
        (void)syscall(SYS_seccomp, 1u, 0u, NULL);
        answer_set(answer, PROBE_MISSING, errno, "the kernel takes no filter");
}

static const Probe probes[_LAYER_N] = {
        [LAYER_USER_NAMESPACE] = {true, attempt_user_namespace},
        [LAYER_PID_NAMESPACE] = {false, attempt_pid_namespace},
        [LAYER_MOUNT_NAMESPACE] = {false, attempt_mount_namespace},
        [LAYER_NET_NAMESPACE] = {false, attempt_net_namespace},
        [LAYER_IPC_NAMESPACE] = {false, attempt_ipc_namespace},
        [LAYER_UTS_NAMESPACE] = {false, attempt_uts_namespace},
        [LAYER_CGROUP] = {true, attempt_cgroup},
        [LAYER_UID] = {false, attempt_uid},
        [LAYER_CAPABILITIES] = {false, attempt_capabilities},
        [LAYER_NO_NEW_PRIVS] = {false, attempt_no_new_privs},
        [LAYER_RLIMITS] = {false, attempt_rlimits},
        [LAYER_UNDUMPABLE] = {false, attempt_undumpable},
        [LAYER_LANDLOCK] = {false, attempt_landlock},
        [LAYER_SECCOMP] = {false, attempt_seccomp},
        [LAYER_CGROUP_NAMESPACE] = {false, attempt_cgroup_namespace},
};

/* children */

static _Noreturn void probe_child(const Probe *probe, int fd) {
        ProbeAnswer answer = {.state = PROBE_MISSING};

        (void)alarm(PROBE_SECONDS);
        probe->attempt(&answer);
        (void)fd_write_all(fd, &answer, sizeof(answer)); /* else the parent reads too little */
        _exit(0);
}

static void probe_await(pid_t pid, int fd, ProbeAnswer *answer) {
        ProbeAnswer given;
        int status = 0;
        ssize_t n;

        n = fd_read(fd, &given, sizeof(given)); /* less than PIPE_BUF: all or nothing */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (n == (ssize_t)sizeof(given)) {
                *answer = given;
                return;
        }
        answer->state = PROBE_MISSING;
        (void)snprintf(answer->detail, sizeof(answer->detail), "the attempt died of signal %d",
                       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

void probe_layer(Layer layer, ProbeAnswer *answer) {
        _cleanup_(closep) int read_fd = -1, write_fd = -1;
        int pair[2];
        pid_t pid;

        *answer = (ProbeAnswer){0};
        if (pipe2(pair, O_CLOEXEC) < 0) {
                answer_set(answer, PROBE_MISSING, errno, "cannot make a pipe");
                return;
        }
        read_fd = pair[0];
        write_fd = pair[1];
        pid = fork();
        if (pid == 0)
                probe_child(&probes[layer], write_fd);
        if (pid < 0) {
                answer_set(answer, PROBE_MISSING, errno, "cannot fork");
                return;
        }
        write_fd = fd_close(write_fd);
        probe_await(pid, read_fd, answer);
}

/* the whole */

/* What the attempt outside said, corrected by what the nest has become. */
static void probe_judge_user_namespace(const Nest *nest, ProbeAnswer *answer) {
        if (nest->user_namespace)
                answer_set(answer, PROBE_OK, 0, "");
        else if (nest->pid_namespace)
                answer_set(answer, PROBE_INAPPLICABLE, answer->error, "root does without");
        else if (answer->state == PROBE_OK)
                answer_set(answer, PROBE_MISSING, 0, "granted alone, but not with a pid namespace");
}

static int probe_print(int fd, Layer layer, const ProbeAnswer *answer) {
        const char *error = answer->error ? strerrorname_np(answer->error) : NULL;
        char line[FAILURE_TEXT_MAX + 64];
        int n;

        n = snprintf(line, sizeof(line), "%s\t%s\t%s\t%s\n", layer_name(layer),
                     state_names[answer->state < _PROBE_STATE_N ? answer->state : PROBE_MISSING],
                     error ? error : "-", answer->detail);
        return fd_write_all(fd, line, (size_t)n);
}

int probe_main(int fd) {
        ProbeAnswer answers[_LAYER_N];
        Nest nest = {0};

        for (unsigned int i = 0; i < _LAYER_N; ++i)
                if (probes[i].outside)
                        probe_layer((Layer)i, &answers[i]);
        nest_enter(&nest, LAYER_BIT(LAYER_CGROUP)); /* which was tried outside */
        probe_judge_user_namespace(&nest, &answers[LAYER_USER_NAMESPACE]);
        for (unsigned int i = 0; i < _LAYER_N; ++i)
                if (!probes[i].outside)
                        probe_layer((Layer)i, &answers[i]);
        for (unsigned int i = 0; i < _LAYER_N; ++i)
                if (probe_print(fd, (Layer)i, &answers[i]))
                        return 1;
        return 0;
}
