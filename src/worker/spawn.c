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

#define SPAWN_PROCESSES_MAX 256 /* and threads */

/* Where a worker finds its descriptors; everything else is closed. */
enum {
        WORKER_FD_SOCKET = 3,
        WORKER_FD_REGION = 4,
        WORKER_FD_WORK_DIR = 5, /* until it has entered it */
        _WORKER_FD_N,
};

static int spawn_move_fd(int from, int to) {
        return from == to || dup2(from, to) == to ? 0 : -errno;
}

/* Moves the descriptors to their places by way of numbers that cannot collide with them. */
static int spawn_arrange_fds(const SpawnRequest *request, Failure *failure) {
        static const struct {
                unsigned int from;
                int to;
        } places[] = {
                {SPAWN_FD_STDOUT, STDOUT_FILENO},        {SPAWN_FD_STDERR, STDERR_FILENO},
                {SPAWN_FD_SOCKET, WORKER_FD_SOCKET},     {SPAWN_FD_REGION, WORKER_FD_REGION},
                {SPAWN_FD_WORK_DIR, WORKER_FD_WORK_DIR},
        };
        int high[ARRAY_SIZE(places)];
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(places); ++i) {
                high[i] = fcntl(request->fds[places[i].from], F_DUPFD_CLOEXEC, _WORKER_FD_N);
                if (high[i] < 0)
                        r = -errno;
        }
        for (size_t i = 0; !r && i < ARRAY_SIZE(places); ++i)
                r = spawn_move_fd(high[i], places[i].to);
        /* no host fd reaches the code */
        if (!r && syscall(SYS_close_range, (unsigned int)_WORKER_FD_N, UINT_MAX, 0u) < 0)
                r = -errno;
        for (int fd = WORKER_FD_SOCKET; !r && fd < _WORKER_FD_N; ++fd)
                r = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
        return r ? failure_lit(failure, FAILURE_STAGE_SANDBOX, -r, "cannot arrange the descriptors")
                 : 0;
}

static void
spawn_plan(ConfinementPlan *plan, const WarmZygote *zygote, const ZygoteSpawnFrame *frame) {
        *plan = (ConfinementPlan){
                .view = zygote->view,
                .work_dir_fd = WORKER_FD_WORK_DIR,
                .disk_bytes = frame->disk_bytes,
                .uid = frame->uid,
                .inherited = zygote->layers,
        };
        if (frame->flags & SPAWN_FLAG_PIDNS)
                plan->inherited |= LAYER_BIT(LAYER_PID_NAMESPACE);
        if (frame->flags & SPAWN_FLAG_USERNS)
                plan->inherited |= LAYER_BIT(LAYER_USER_NAMESPACE);
        rlimit_plan_init(&plan->rlimits);
        rlimit_plan_add(&plan->rlimits, RLIMIT_FSIZE, frame->file_bytes);
        rlimit_plan_add(&plan->rlimits, RLIMIT_NOFILE, frame->n_files);
        /* counted per uid: it means this run only where the uid is its own */
        if (frame->uid != UID_STAY)
                rlimit_plan_add(&plan->rlimits, RLIMIT_NPROC, SPAWN_PROCESSES_MAX);
        if (frame->data_bytes)
                rlimit_plan_add(&plan->rlimits, RLIMIT_DATA,
                                zygote->data_bytes + frame->data_bytes);
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

static _Noreturn void spawn_child(const WarmZygote *zygote, const SpawnRequest *request) {
        Failure failure = FAILURE_NULL;
        ConfinementPlan plan;
        LayerSet layers = 0;
        sigset_t none;
        int r;

        PyOS_AfterFork_Child();
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)setsid(); /* kill(0, …) must not reach zygote and agent */
        spawn_plan(&plan, zygote, request->frame);
        r = spawn_arrange_fds(request, &failure);
        if (!r)
                r = confinement_apply(&plan, &layers, &failure);
        if (r) {
                (void)packet_send(WORKER_FD_SOCKET, FRAME_WORKER_FAILURE, request->run_id, &failure,
                                  sizeof(failure), NULL, 0);
                _exit(125);
        }
        if (!zygote->view)
                spawn_name_work_dir();
        (void)fd_close(WORKER_FD_WORK_DIR);
        job_serve(zygote->tools, WORKER_FD_SOCKET, WORKER_FD_REGION, request->run_id, layers);
}

int spawn_worker(const WarmZygote *zygote,
                 const SpawnRequest *request,
                 pid_t *pidp,
                 Failure *failure) {
        bool pidns = request->frame->flags & SPAWN_FLAG_PIDNS;
        int r, fork_errno;
        pid_t pid;

        if (pidns) {
                r = pidns_enter(request->fds[SPAWN_FD_INIT], failure);
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
