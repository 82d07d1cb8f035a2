/* SPDX-License-Identifier: MIT */
/*
 * The fork is libc's, with CPython's hooks around it: a raw clone leaves stale thread ids behind
 * and hangs OpenBLAS. The child is a whole interpreter from its first instruction, but runs only C
 * of ours until it is confined.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/confinement.h"
#include "sandbox/credentials.h"
#include "sandbox/pidns.h"
#include "wire/messages.h"
#include "wire/packet.h"
#include "worker/spawn.h"

#define SPAWN_SHM_BYTES (UINT64_C(64) << 20) /* /dev/shm of a run that may start processes */

/* Where a worker finds its descriptors; everything else is closed. */
enum {
        WORKER_FD_SOCKET = 3,
        WORKER_FD_REGION = 4,
        _WORKER_FD_N,
        WORKER_FD_WORK_DIR = _WORKER_FD_N, /* these until it is confined */
        WORKER_FD_RULESET,
        WORKER_FD_PROC,
        _WORKER_FD_SETUP_N,
};

static int spawn_move_fd(int from, int to) {
        return from == to || dup2(from, to) == to ? 0 : -errno;
}

bool spawn_request_sort(SpawnRequest *request) {
        const ZygoteSpawnFrame *frame = request->frame;
        size_t n = _SPAWN_FD_N;

        if (frame->n_group_fds > CGROUP_FDS_MAX)
                return false;
        request->group_fds = request->fds + n;
        n += frame->n_group_fds;
        request->init_fd = frame->flags & SPAWN_FLAG_PIDNS ? request->fds[n++] : -1;
        request->proc_fd = frame->flags & SPAWN_FLAG_PROC ? request->fds[n++] : -1;
        return n == request->n_fds;
}

/* Moves the descriptors to their places by way of numbers that cannot collide with them. */
static int
spawn_arrange_fds(const SpawnRequest *request, const ConfinementPlan *plan, Failure *failure) {
        const struct {
                int from, to;
        } places[] = {
                {request->fds[SPAWN_FD_STDOUT], STDOUT_FILENO},
                {request->fds[SPAWN_FD_STDERR], STDERR_FILENO},
                {request->fds[SPAWN_FD_SOCKET], WORKER_FD_SOCKET},
                {request->fds[SPAWN_FD_REGION], WORKER_FD_REGION},
                {request->fds[SPAWN_FD_WORK_DIR], WORKER_FD_WORK_DIR},
                {plan->ruleset_fd, WORKER_FD_RULESET},
                {request->proc_fd, WORKER_FD_PROC},
        };
        int high[ARRAY_SIZE(places)];
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(places); ++i) {
                high[i] = -1;
                if (places[i].from < 0)
                        continue;
                high[i] = fcntl(places[i].from, F_DUPFD_CLOEXEC, _WORKER_FD_SETUP_N);
                if (high[i] < 0)
                        r = -errno;
        }
        for (size_t i = 0; !r && i < ARRAY_SIZE(places); ++i)
                if (high[i] >= 0)
                        r = spawn_move_fd(high[i], places[i].to);
        /* no host fd reaches the code */
        if (!r && syscall(SYS_close_range, (unsigned int)_WORKER_FD_SETUP_N, UINT_MAX, 0u) < 0)
                r = -errno;
        for (int fd = WORKER_FD_SOCKET; !r && fd < _WORKER_FD_N; ++fd)
                r = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
        return r ? failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot arrange the descriptors")
                 : 0;
}

static LayerSet spawn_planned_layers(const WarmZygote *zygote, const ZygoteSpawnFrame *frame) {
        LayerSet planned = LAYER_BIT(LAYER_RLIMITS) | LAYER_BIT(LAYER_CAPABILITIES) |
                           LAYER_BIT(LAYER_NO_NEW_PRIVS) | LAYER_BIT(LAYER_UNDUMPABLE) |
                           LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP);

        if (zygote->view->applied)
                planned |= LAYER_BIT(LAYER_MOUNT_NAMESPACE);
        if (frame->uid != UID_STAY)
                planned |= LAYER_BIT(LAYER_UID);
        if (zygote->privileged)
                planned |= LAYER_BIT(LAYER_CGROUP_NAMESPACE);
        return planned & ~frame->without;
}

static LayerSet spawn_inherited_layers(const WarmZygote *zygote, const ZygoteSpawnFrame *frame) {
        LayerSet inherited = zygote->layers;

        if (frame->flags & SPAWN_FLAG_PIDNS)
                inherited |= LAYER_BIT(LAYER_PID_NAMESPACE);
        if (frame->flags & SPAWN_FLAG_USERNS)
                inherited |= LAYER_BIT(LAYER_USER_NAMESPACE);
        if (frame->n_group_fds > 0)
                inherited |= LAYER_BIT(LAYER_CGROUP);
        return inherited;
}

static void
spawn_plan_rlimits(RlimitPlan *plan, const WarmZygote *zygote, const ZygoteSpawnFrame *frame) {
        rlimit_plan_init(plan);
        rlimit_plan_add(plan, RLIMIT_FSIZE, frame->file_bytes);
        rlimit_plan_add(plan, RLIMIT_NOFILE, frame->n_files);
        if (frame->n_processes)
                rlimit_plan_add(plan, RLIMIT_NPROC, frame->n_processes);
        if (frame->cpu_seconds)
                rlimit_plan_add(plan, RLIMIT_CPU, frame->cpu_seconds);
        if (frame->data_bytes)
                rlimit_plan_add(plan, RLIMIT_DATA, zygote->data_bytes + frame->data_bytes);
}

static void
spawn_plan(ConfinementPlan *plan, const WarmZygote *zygote, const SpawnRequest *request) {
        const ZygoteSpawnFrame *frame = request->frame;
        bool processes = frame->flags & SPAWN_FLAG_PROCESSES;

        *plan = (ConfinementPlan){
                .inherited = spawn_inherited_layers(zygote, frame),
                .planned = spawn_planned_layers(zygote, frame),
                .view = zygote->view,
                .private = {.disk_bytes = frame->disk_bytes,
                            .shm_bytes = processes ? SPAWN_SHM_BYTES : 0,
                            .uid = frame->uid,
                            .proc_fd = request->proc_fd < 0 ? -1 : WORKER_FD_PROC,
                            .programs = processes},
                .work_dir_fd = WORKER_FD_WORK_DIR,
                .ruleset_fd = -1,
                .uid = frame->uid,
                .processes = processes,
                .network = zygote->network,
        };
        spawn_plan_rlimits(&plan->rlimits, zygote, frame);
}

/* Where there is no private /tmp, the work directory is home and temporary directory. */
static void spawn_name_work_dir(void) {
        static const char *const names[] = {"HOME", "TMPDIR"};
        PyObject *os, *environment = NULL, *value = NULL;
        char path[PATH_MAX];

        if (!getcwd(path, sizeof(path)))
                return;
        os = PyImport_ImportModule("os");
        if (os)
                environment = PyObject_GetAttrString(os, "environ");
        value = PyUnicode_DecodeFSDefault(path);
        for (size_t i = 0; environment && value && i < ARRAY_SIZE(names); ++i) {
                PyObject *key = PyUnicode_FromString(names[i]);

                if (key)
                        (void)PyObject_SetItem(environment, key, value);
                Py_XDECREF(key);
        }
        PyErr_Clear(); /* a convenience: the code can still find its directory */
        Py_XDECREF(os);
        Py_XDECREF(environment);
        Py_XDECREF(value);
}

/* From a fork of the zygote to a confined process. */
static int spawn_confine(const WarmZygote *zygote,
                         const SpawnRequest *request,
                         ConfinementPlan *plan,
                         LayerSet *layersp,
                         int *socketp,
                         Failure *failure) {
        int r;

        spawn_plan(plan, zygote, request);
        r = cgroup_join(request->group_fds, request->frame->n_group_fds, failure);
        if (!r)
                r = confinement_prepare(plan, failure);
        if (!r)
                r = spawn_arrange_fds(request, plan, failure);
        if (r)
                return r;
        *socketp = WORKER_FD_SOCKET;
        if (plan->ruleset_fd >= 0)
                plan->ruleset_fd = WORKER_FD_RULESET;
        return confinement_apply(plan, layersp, failure);
}

static _Noreturn void spawn_child(const WarmZygote *zygote, const SpawnRequest *request) {
        Failure failure = FAILURE_NULL;
        int socket_fd = request->fds[SPAWN_FD_SOCKET];
        ConfinementPlan plan;
        LayerSet layers = 0;
        sigset_t none;

        PyOS_AfterFork_Child();
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)setsid(); /* kill(0, …) must not reach zygote and agent */
        if (spawn_confine(zygote, request, &plan, &layers, &socket_fd, &failure)) {
                (void)packet_send(socket_fd, FRAME_WORKER_FAILURE, request->worker_id, &failure,
                                  sizeof(failure), NULL, 0);
                _exit(125);
        }
        if (!(layers & LAYER_BIT(LAYER_MOUNT_NAMESPACE)))
                spawn_name_work_dir();
        for (int fd = _WORKER_FD_N; fd < _WORKER_FD_SETUP_N; ++fd)
                (void)fd_close(fd);
        job_serve(zygote->tools, WORKER_FD_SOCKET, WORKER_FD_REGION, request->worker_id, layers,
                  request->frame->flags & SPAWN_FLAG_REHEARSE);
}

int spawn_worker(const WarmZygote *zygote,
                 const SpawnRequest *request,
                 pid_t *pidp,
                 Failure *failure) {
        bool pidns = request->init_fd >= 0;
        int r, fork_errno;
        pid_t pid;

        if (pidns) {
                r = pidns_enter(request->init_fd, failure);
                if (r)
                        return r;
        }
        PyOS_BeforeFork();
        pid = fork();
        if (pid == 0)
                spawn_child(zygote, request);
        fork_errno = errno;
        PyOS_AfterFork_Parent();
        if (pidns) {
                r = pidns_return(request->self_pidfd, failure);
                if (r)
                        return r;
        }
        if (pid < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, fork_errno,
                                     "cannot fork a worker");
        *pidp = pid;
        return 0;
}
