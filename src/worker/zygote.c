/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/attributes.h"
#include "sandbox/descendants.h"
#include "wire/messages.h"
#include "wire/packet.h"
#include "worker/pyapi.h"
#include "worker/spawn.h"
#include "worker/warmup.h"
#include "worker/zygote.h"

#define ZYGOTE_WORKERS_MAX 4096
#define ZYGOTE_IDLE_MS     50

typedef struct Zygote {
        WarmZygote warm;
        int control_fd;
        int signal_fd; /* SIGCHLD */
        int proc_fd;   /* /proc as it was before the view, or -1 */
        int self_pidfd;
        uint64_t worker_ids[ZYGOTE_WORKERS_MAX]; /* of the worker at the same index */
        pid_t workers[ZYGOTE_WORKERS_MAX];
        size_t n_workers;
        bool sweeps; /* some worker had no pid namespace: orphans become our children */
        unsigned int n_spawned;
        bool tools_are_warm;
} Zygote;

static void
zygote_report_failure(const Zygote *zygote, uint64_t worker_id, const Failure *failure) {
        (void)packet_send(zygote->control_fd, FRAME_ZYGOTE_FAILURE, worker_id, failure,
                          sizeof(*failure), NULL, 0); /* the agent sees our end if it is gone */
}

static int zygote_report_ready(const Zygote *zygote) {
        const char *version = Py_GetVersion(), *prefix = NULL;
        PyObject *prefix_object = PySys_GetObject("prefix");
        struct {
                ZygoteReadyFrame frame;
                char strings[PACKET_PAYLOAD_MAX - sizeof(ZygoteReadyFrame)];
        } message = {
                .frame = {.layers = zygote->warm.layers, .n_threads = zygote->warm.n_threads},
        };
        PyObject *hexversion = PySys_GetObject("hexversion");
        int n;

        if (hexversion)
                message.frame.hexversion = (uint32_t)PyLong_AsUnsignedLong(hexversion);
        if (prefix_object)
                prefix = PyUnicode_AsUTF8AndSize(prefix_object, NULL);
        PyErr_Clear();
        n = snprintf(message.strings, sizeof(message.strings), "%.*s%c%.2000s",
                     (int)strcspn(version, " "), version, '\0', prefix ? prefix : "");
        return packet_send(zygote->control_fd, FRAME_ZYGOTE_READY, 0, &message,
                           sizeof(message.frame) + (size_t)n + 1, NULL, 0);
}

static int zygote_spawn(Zygote *zygote, const SpawnRequest *request, Failure *failure) {
        ZygoteSpawnedFrame spawned = {0};
        _cleanup_(closep) int pidfd = -1;
        pid_t pid = -1;
        int r;

        if (zygote->n_workers == ZYGOTE_WORKERS_MAX)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, EAGAIN, "too many workers");
        r = spawn_worker(&zygote->warm, request, &pid, failure);
        if (r)
                return r;
        zygote->workers[zygote->n_workers] = pid;
        zygote->worker_ids[zygote->n_workers] = request->worker_id;
        ++zygote->n_workers;
        ++zygote->n_spawned;
        if (!(request->frame->flags & SPAWN_FLAG_PIDNS))
                zygote->sweeps = true;
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
        if (pidfd < 0) {
                r = failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                  "cannot open a worker's pidfd");
                (void)kill(pid, SIGKILL);
                return r;
        }
        spawned.pid = pid;
        return packet_send(zygote->control_fd, FRAME_ZYGOTE_SPAWNED, request->worker_id, &spawned,
                           sizeof(spawned), &pidfd, 1);
}

static uint64_t zygote_time_ns(struct timeval time) {
        return (uint64_t)time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_usec * NSEC_PER_USEC;
}

static void
zygote_report_exit(Zygote *zygote, size_t index, int status, const struct rusage *usage) {
        ZygoteExitedFrame exited = {
                .status = status,
                .cpu_user_ns = zygote_time_ns(usage->ru_utime),
                .cpu_system_ns = zygote_time_ns(usage->ru_stime),
                .max_rss_bytes = (uint64_t)usage->ru_maxrss * 1024,
                .page_faults = (uint64_t)usage->ru_minflt + (uint64_t)usage->ru_majflt,
        };
        uint64_t worker_id = zygote->worker_ids[index];

        --zygote->n_workers;
        zygote->workers[index] = zygote->workers[zygote->n_workers];
        zygote->worker_ids[index] = zygote->worker_ids[zygote->n_workers];
        (void)packet_send(zygote->control_fd, FRAME_ZYGOTE_EXITED, worker_id, &exited,
                          sizeof(exited), NULL, 0);
}

/* Ends what workers without a pid namespace left behind. */
static void zygote_sweep(Zygote *zygote) {
        if (zygote->sweeps && zygote->proc_fd >= 0)
                (void)descendants_kill_unknown(zygote->proc_fd, zygote->workers, zygote->n_workers);
}

static void zygote_reap(Zygote *zygote) {
        struct signalfd_siginfo info;
        struct rusage usage;
        int status;
        pid_t pid;

        (void)fd_read(zygote->signal_fd, &info, sizeof(info)); /* wait4() tells more */
        while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
                for (size_t i = 0; i < zygote->n_workers; ++i) {
                        if (zygote->workers[i] != pid)
                                continue;
                        zygote->workers[i] = 0; /* its orphans are unknown from here on */
                        zygote_sweep(zygote);
                        zygote_report_exit(zygote, i, status, &usage);
                        break;
                }
        }
        zygote_sweep(zygote);
}

/* Returns false when the agent is gone. */
static bool zygote_handle(Zygote *zygote) {
        Failure failure = FAILURE_NULL;
        SpawnRequest request = {.n_fds = SPAWN_FDS_MAX, .self_pidfd = zygote->self_pidfd};
        ZygoteSpawnFrame frame;
        Packet packet;
        int r;

        r = packet_receive(zygote->control_fd, &packet, SENDER_AGENT_TO_ZYGOTE, WIRE_OPEN,
                           request.fds, &request.n_fds, &failure);
        if (r <= 0)
                return false;
        memcpy(&frame, packet.payload, sizeof(frame));
        request.frame = &frame;
        request.worker_id = packet.header.stream;
        if (!spawn_request_sort(&request))
                r = failure_lit(&failure, FAILURE_STAGE_ZYGOTE, EPROTO, "descriptors are missing");
        else
                r = zygote_spawn(zygote, &request, &failure);
        for (size_t i = 0; i < request.n_fds; ++i)
                (void)fd_close(request.fds[i]);
        if (r)
                zygote_report_failure(zygote, request.worker_id, &failure);
        return true;
}

/* What only some runs need is imported when there is time: not before the first run, which may be
 * the only one, and at the latest after the second. */
static void zygote_warm_tools(Zygote *zygote) {
        if (job_tools_warm(zygote->warm.tools) || warmup_freeze())
                PyErr_Clear(); /* workers then import what they need themselves */
        zygote->tools_are_warm = true;
}

static void zygote_loop(Zygote *zygote) {
        struct pollfd polled[] = {
                {.fd = zygote->control_fd, .events = POLLIN},
                {.fd = zygote->signal_fd, .events = POLLIN},
        };

        for (;;) {
                bool waits_to_warm = zygote->n_spawned > 0 && !zygote->tools_are_warm;
                int n;

                n = poll(polled, ARRAY_SIZE(polled), waits_to_warm ? ZYGOTE_IDLE_MS : -1);
                if (n < 0 && errno != EINTR)
                        return;
                if (waits_to_warm && (n == 0 || zygote->n_spawned > 1))
                        zygote_warm_tools(zygote);
                if (n <= 0)
                        continue;
                if (polled[1].revents)
                        zygote_reap(zygote);
                if (polled[0].revents && !zygote_handle(zygote))
                        return;
        }
}

static int zygote_open(Zygote *zygote, Failure *failure) {
        sigset_t child;

        (void)prctl(PR_SET_NAME, "spr-zygote");
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        zygote->proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        zygote->self_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0u);
        if (zygote->self_pidfd < 0)
                return failure_errno(failure, FAILURE_STAGE_ZYGOTE, errno,
                                     "cannot open the zygote's pidfd");
        (void)sigemptyset(&child);
        (void)sigaddset(&child, SIGCHLD);
        (void)sigprocmask(SIG_BLOCK, &child, NULL);
        zygote->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
        if (zygote->signal_fd < 0)
                return failure_errno(failure, FAILURE_STAGE_ZYGOTE, errno,
                                     "cannot wait for workers");
        return 0;
}

/* What does not fit when a worker is ordered is cut off by the kernel: better said at the start. */
static int zygote_check_room(const Zygote *zygote, Failure *failure) {
        int fds[SPAWN_FDS_PEAK];
        size_t n = 0;
        int r = 0;

        while (!r && n < ARRAY_SIZE(fds)) {
                fds[n] = fcntl(zygote->control_fd, F_DUPFD_CLOEXEC, 0);
                if (fds[n] < 0)
                        r = failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                          "cannot keep %d descriptors free to start workers with",
                                          SPAWN_FDS_PEAK);
                else
                        ++n;
        }
        while (n > 0)
                (void)fd_close(fds[--n]);
        return r;
}

static int zygote_start(Zygote *zygote, Failure *failure) {
        int r;

        r = zygote_open(zygote, failure);
        if (!r)
                r = warmup(&zygote->warm, zygote->proc_fd, zygote->control_fd, failure);
        if (!r)
                r = zygote_check_room(zygote, failure);
        if (r)
                return r;
        return attributes_set_undumpable(failure);
}

int zygote_serve(int control_fd) {
        Failure failure = FAILURE_NULL;
        Zygote *zygote;

        zygote = calloc(1, sizeof(*zygote));
        if (!zygote)
                return 1;
        zygote->control_fd = control_fd;
        if (zygote_start(zygote, &failure)) {
                zygote_report_failure(zygote, 0, &failure);
                return 1;
        }
        if (zygote_report_ready(zygote))
                return 1;
        zygote_loop(zygote);
        return 0; /* the process ends: nothing is worth freeing */
}
