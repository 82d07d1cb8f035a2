/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/cpu-time.h"
#include "agent/environment.h"
#include "agent/family.h"
#include "agent/pool.h"
#include "agent/run.h"
#include "agent/user-tasks.h"
#include "agent/worker.h"
#include "agent/zygote.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/cgroup.h"
#include "sandbox/credentials.h"
#include "sandbox/view.h"
#include "wire/packet.h"

#define WORKER_START_TIMEOUT_NS (60 * NSEC_PER_SEC)   /* from the hand-over until it waits */
#define WORKER_END_TIMEOUT_NS   (10 * NSEC_PER_SEC)   /* from the kill to the zygote's word */
#define WORKER_DATA_SLACK_BYTES (UINT64_C(512) << 20) /* RLIMIT_DATA above the memory limit */
#define WORKER_GROUP_SLACK_BYTES                                                                   \
        (UINT64_C(32) << 20) /* for what the kernel counts and we do not: copied pages, tables */
#define WORKER_N_FILES       1024
#define WORKER_OWN_TASKS     32  /* agent, zygotes and the like */
#define WORKER_STRANGE_TASKS 192 /* that the user may start on the host while runs go on */
#define WORKER_CROWD         128 /* workers that there may be some time, at the least */
#define WORKER_GROUP_SAMPLES 4   /* of so many looks at one process one is at its group */
#define WORKER_DYING_MS      20
#define WORKER_COUNT_NS      (5 * NSEC_PER_SEC) /* between two counts of them */

/* birth and death */

static void worker_close_child_fds(Worker *worker) {
        for (size_t i = 0; i < worker->n_child_fds; ++i)
                if (worker->child_owns[i])
                        (void)fd_close(worker->child_fds[i]);
        worker->n_child_fds = 0;
}

static void worker_kill(Worker *worker) {
        pidns_init_kill(&worker->init);
        if (worker->group)
                (void)cgroup_kill(worker->group);
        if (worker->pidfd >= 0 &&
            syscall(SYS_pidfd_send_signal, worker->pidfd, SIGKILL, NULL, 0u) < 0 && errno == ENOSYS)
                (void)kill(worker->pid, SIGKILL); /* valgrind; the zygote has not told of its end */
}

static void worker_set_deadline(Worker *worker, uint64_t deadline_ns) {
        worker->deadline_ns = deadline_ns;
        agent_wake_by(worker->agent, deadline_ns);
}

void worker_set_awaited(Worker *worker, bool awaited) {
        if (worker->awaited == awaited)
                return;
        worker->awaited = awaited;
        worker->environment->n_awaited += awaited ? 1u : -1u;
}

/* Its zygote has it off its hands, one way or the other. */
static void worker_leave_start(Worker *worker) {
        if (worker->state == WORKER_STARTING && worker->zygote)
                --worker->zygote->n_starting;
}

/* Empty for certain where its only process has been waited for. */
static void worker_leave_group(Worker *worker) {
        bool empty = worker->reaped && !worker->pool->mold.processes;

        worker->group = empty ? cgroup_spare(worker->group) : cgroup_free(worker->group);
}

Worker *worker_free(Worker *worker) {
        if (!worker)
                return NULL;
        worker_kill(worker);
        worker_set_awaited(worker, false);
        worker_leave_start(worker);
        pool_remove(worker->pool, worker);
        worker_close_child_fds(worker);
        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                capture_deinit(&worker->captures[i]);
        loop_remove(&worker->socket_source);
        (void)fd_close(worker->socket_fd);
        (void)fd_close(worker->pidfd);
        memory_watch_deinit(&worker->memory);
        region_file_deinit(&worker->region);
        (void)lease_free(worker->lease);
        worker_leave_group(worker);
        free(worker->imports);
        list_remove(&worker->by_id);
        list_remove(&worker->in_turn);
        --worker->agent->n_workers;
        free(worker);
        return NULL;
}

int worker_new(Worker **workerp, Environment *environment, Pool *pool, Failure *failure) {
        Agent *agent = environment->agent;
        Worker *worker;
        int r;

        worker = calloc(1, sizeof(*worker));
        if (!worker)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        worker->agent = agent;
        worker->environment = environment;
        pool_add(pool, worker);
        worker->id = ++agent->last_worker_id;
        worker->deadline_ns = UINT64_MAX;
        worker->region = REGION_FILE_NULL;
        worker->captures[REGION_STDOUT] = worker->captures[REGION_STDERR] = CAPTURE_NULL;
        worker->socket_fd = worker->pidfd = -1;
        worker->init = PIDNS_INIT_NULL;
        worker->memory = MEMORY_WATCH_NULL;
        list_append(&agent->workers[worker->id % AGENT_BUCKETS], &worker->by_id);
        list_append(&environment->waiting, &worker->in_turn);
        ++agent->n_workers;
        r = region_file_new(&worker->region, failure);
        if (r) {
                (void)worker_free(worker);
                return r;
        }
        *workerp = worker;
        return 0;
}

void worker_end(Worker *worker) {
        if (worker->state == WORKER_WAITING || worker->state == WORKER_ENDING)
                return;
        worker_leave_start(worker);
        pool_unlist(worker->pool, worker);
        worker->state = WORKER_ENDING;
        worker_set_deadline(worker, clock_now_ns() + WORKER_END_TIMEOUT_NS);
        loop_remove(&worker->socket_source);
        worker_kill(worker);
        worker->socket_fd = fd_close(worker->socket_fd); /* one that waits for us ends by itself */
}

void worker_release(Worker *worker) {
        worker->run = NULL;
        worker_set_awaited(worker, false);
        if (worker->state == WORKER_WAITING) {
                (void)worker_free(worker);
                return;
        }
        worker_end(worker);
        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                capture_deinit(&worker->captures[i]);
}

void worker_fail(Worker *worker, const Failure *failure) {
        worker_leave_start(worker);
        if (worker->in_pool_counter)
                pool_standby_lost(worker->pool);
        worker->state = WORKER_WAITING; /* there is no process, and no end of it will be told */
        if (worker->run)
                run_worker_failed(worker->run, failure);
        else
                worker_release(worker);
}

void worker_overdue(Worker *worker) {
        if (worker->state == WORKER_ENDING) { /* a zygote that does not tell of it is of no use */
                environment_zygote_lost(worker->environment, worker->zygote, &environment_silent);
                return;
        }
        if (worker->in_pool_counter)
                pool_standby_lost(worker->pool);
        worker_end(worker);
}

/* its socket */

static void worker_misbehaved(Worker *worker) {
        if (worker->run)
                run_worker_misbehaved(worker->run);
        else
                worker_end(worker);
}

static void worker_failed_to_start(Worker *worker, Failure *failure) {
        failure_sanitise(failure);
        if (failure->stage == FAILURE_STAGE_NONE)
                failure->stage = FAILURE_STAGE_WORKER;
        worker_end(worker);
        if (worker->run)
                run_worker_failed(worker->run, failure);
        else
                pool_standby_lost(worker->pool);
}

/* What C code wrote to descriptors 1 and 2 meanwhile is in the pipes. */
static void worker_forget_rehearsal(Worker *worker) {
        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                capture_drain(&worker->captures[i]);
        region_file_forget(&worker->region);
}

/* A process leaves its group while it ends, a moment before it has ended. */
static bool worker_has_died(const Worker *worker) {
        struct pollfd end = {.fd = worker->pidfd, .events = POLLIN};

        return poll(&end, 1, WORKER_DYING_MS) == 1;
}

static bool worker_has_joined(const Worker *worker) {
        return worker->memory.pid > 0 ? cgroup_has_member(worker->group, worker->memory.pid)
                                      : cgroup_is_populated(worker->group);
}

/* Both are needed: without the pidfd the code could run before its memory is watched. */
static void worker_idle_if_complete(Worker *worker) {
        static Failure not_joined = {
                .stage = FAILURE_STAGE_SANDBOX,
                .code = EPERM,
                .text = "layer 'cgroup' does not hold: the worker is not in its control group",
        };

        if (!worker->greeted || worker->pidfd < 0 || worker->state != WORKER_STARTING)
                return;
        memory_watch_init(&worker->memory, worker->pidfd);
        if (worker->group && !worker_has_joined(worker)) {
                if (worker_has_died(worker))
                        return; /* the zygote will tell, or has died, too */
                worker_failed_to_start(worker, &not_joined);
                return;
        }
        worker_forget_rehearsal(worker);
        worker_leave_start(worker);
        worker->state = WORKER_IDLE;
        worker->deadline_ns = UINT64_MAX;
        (void)cpu_time_read(worker->pid, &worker->cpu_user_ns, &worker->cpu_system_ns);
        worker_set_awaited(worker, false);
        if (worker->run)
                run_worker_ready(worker->run);
        else
                pool_worker_idle(worker->pool, worker);
}

bool worker_tells_imports(const Worker *worker) {
        return worker->environment->order.flags & ENV_FLAG_PRELOAD_AUTO;
}

/* Returns false when nothing more is to be read. */
static bool worker_handle_packet(Worker *worker, const Packet *packet) {
        WorkerReadyFrame ready;
        WorkerResultFrame result;
        Failure failure;

        switch (packet->header.type) {
        case FRAME_WORKER_READY:
                memcpy(&ready, packet->payload, sizeof(ready));
                worker->layers = ready.layers;
                worker->greeted = true;
                worker_idle_if_complete(worker);
                return worker->state < WORKER_ENDING;
        case FRAME_WORKER_RESULT:
                memcpy(&result, packet->payload, sizeof(result));
                run_worker_answered(worker->run, &result); /* none but a busy one may say it */
                return false;
        case FRAME_WORKER_ENDED:
                memcpy(&result, packet->payload, sizeof(result));
                if (worker->ended) {
                        worker_misbehaved(worker);
                        return false;
                }
                worker->ended = true;
                run_worker_ended(worker->run, &result);
                return worker->state < WORKER_ENDING;
        case FRAME_WORKER_FAILURE:
                memcpy(&failure, packet->payload, sizeof(failure));
                worker_failed_to_start(worker, &failure);
                return false;
        case FRAME_WORKER_IMPORTS:
                if (worker->imports || !worker_tells_imports(worker)) {
                        worker_misbehaved(worker);
                        return false;
                }
                worker->imports = malloc(packet->header.length);
                if (!worker->imports)
                        return true; /* the next run will tell */
                worker->n_imports = packet->header.length;
                memcpy(worker->imports, packet->payload, worker->n_imports);
                return true;
        default: /* nothing else passes packet_receive() */
                return false;
        }
}

static WireState worker_wire_state(const Worker *worker) {
        if (!worker->greeted)
                return WIRE_GREETING;
        return worker->state == WORKER_BUSY ? WIRE_RUNNING : WIRE_WAITING;
}

void worker_read_socket(Worker *worker) {
        Failure failure = FAILURE_NULL;
        Packet packet;
        int r;

        if (worker->state == WORKER_ENDING)
                return;
        do {
                r = packet_receive(worker->socket_fd, &packet, SENDER_WORKER,
                                   worker_wire_state(worker), NULL, NULL, &failure);
                if (r > 0 && packet.header.stream != worker->id)
                        r = -EPROTO;
        } while (r > 0 && worker_handle_packet(worker, &packet));
        worker->unread |= r == -ECONNRESET;
        if (r == 0 || r == -ECONNRESET)
                loop_remove(&worker->socket_source); /* the end of the worker tells the rest */
        else if (r < 0 && r != -EAGAIN)
                worker_misbehaved(worker);
}

static void worker_socket_ready(LoopSource *source, uint32_t events _unused_) {
        worker_read_socket(container_of(source, Worker, socket_source));
}

/* from waiting to starting */

static void worker_give(Worker *worker, int fd, bool owned) {
        worker->child_owns[worker->n_child_fds] = owned;
        worker->child_fds[worker->n_child_fds++] = fd;
}

static int worker_open_socket(Worker *worker, Failure *failure) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a worker's socket");
        worker->socket_fd = pair[0];
        worker_give(worker, pair[1], true);
        if (fd_set_nonblock(worker->socket_fd, true))
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a worker's socket");
        return loop_add(&worker->agent->loop, &worker->socket_source, worker->socket_fd, EPOLLIN,
                        worker_socket_ready, failure);
}

/* The first time it must be empty; from then on what is in it is a run's. */
static int worker_share_tmp(Worker *worker, Failure *failure) {
        Agent *agent = worker->agent;
        int r = agent->owns_tmp ? 0 : work_dir_check_all(failure);

        if (r == 0)
                r = work_dir_init_all(&worker->lease->work_dir, failure);
        agent->owns_tmp |= r == 0;
        return r;
}

static int worker_open_work_dir(Worker *worker, Failure *failure) {
        int r = 0;

        if (worker->environment->layers & LAYER_BIT(LAYER_MOUNT_NAMESPACE)) {
                worker_give(worker, worker->region.fd, false); /* fills the place */
                return 0;
        }
        r = worker->environment->order.flags & ENV_FLAG_EXCLUSIVE_TMP
                    ? worker_share_tmp(worker, failure)
                    : work_dir_init(&worker->lease->work_dir, lease_uid(worker->lease), failure);
        if (!r)
                worker_give(worker, worker->lease->work_dir.fd, false);
        return r;
}

static int worker_open_captures(Worker *worker, Failure *failure) {
        for (int i = 0; i < _REGION_STREAM_N; ++i) {
                int write_fd = -1;
                int r;

                r = capture_init(&worker->captures[i], &worker->agent->loop, &worker->region,
                                 (RegionStream)i, &write_fd, failure);
                if (r)
                        return r;
                worker_give(worker, write_fd, true);
        }
        return 0;
}

static int worker_open_init(Worker *worker, Failure *failure) {
        int proc_fd = -1;
        int r;

        if (!worker->agent->nest.pid_namespace)
                return worker->pool->mold.proc
                               ? failure_lit(failure, FAILURE_STAGE_SANDBOX, ENOTSUP,
                                             "'proc' needs a pid namespace, and this "
                                             "host grants none")
                               : 0;
        r = pidns_init_new(&worker->init, worker->pool->mold.proc ? &proc_fd : NULL, failure);
        if (r)
                return r;
        worker_give(worker, worker->init.pidfd, false);
        if (proc_fd >= 0)
                worker_give(worker, proc_fd, true);
        return 0;
}

/* The kernel's limit is a backstop above our own, which counts what the code has made its own and
 * not what it inherited; but it counts all processes, and files in /tmp. */
static int worker_open_group(Worker *worker, Failure *failure) {
        const Mold *mold = &worker->pool->mold;
        CgroupLimits limits = {
                .memory_bytes =
                        mold->memory_bytes ? mold->memory_bytes + WORKER_GROUP_SLACK_BYTES : 0,
                .n_tasks = mold->max_processes,
                .n_cpus = mold->processes ? 0 : 1,
        };
        int fds[CGROUP_FDS_MAX];
        int r = 0;

        if (!worker->agent->nest.groups)
                return 0;
        r = cgroup_new(&worker->group, worker->agent->nest.groups, worker->id, &limits, failure);
        if (r)
                return r;
        worker->n_group_fds = (uint32_t)cgroup_join_fds(worker->group, fds);
        for (size_t i = 0; i < worker->n_group_fds; ++i)
                worker_give(worker, fds[i], false);
        return 0;
}

/* Makes what the process will be given, in the order of ZYGOTE_SPAWN. */
static int worker_equip(Worker *worker, Failure *failure) {
        int r;

        r = lease_new(&worker->lease, worker->agent, failure);
        if (r)
                return r;
        worker->lease->owns_ipc = !(worker->environment->layers & LAYER_BIT(LAYER_IPC_NAMESPACE));
        r = worker_open_socket(worker, failure);
        if (!r)
                r = worker_open_captures(worker, failure);
        if (!r)
                worker_give(worker, worker->region.fd, false);
        if (!r)
                r = worker_open_work_dir(worker, failure);
        if (!r)
                r = worker_open_group(worker, failure);
        if (!r)
                r = worker_open_init(worker, failure);
        return r;
}

/* How many tasks of our uid there are besides workers. */
static uint32_t worker_other_tasks(Agent *agent) {
        uint64_t now_ns = clock_now_ns();

        if (agent->nest.user_namespace)
                return WORKER_OWN_TASKS;
        if (now_ns - agent->tasks_counted_ns > WORKER_COUNT_NS || !agent->tasks_counted_ns) {
                agent->n_tasks = user_tasks_count();
                agent->tasks_counted_ns = now_ns;
        }
        return agent->n_tasks ? agent->n_tasks + WORKER_STRANGE_TASKS : 0;
}

/* RLIMIT_NPROC counts per uid, threads too. A leased uid is this worker's alone; else all that has
 * our uid (in our user namespace, or on the host) shares the count, and so the sum of what is
 * allowed. */
static uint32_t worker_process_limit(const Worker *worker) {
        Agent *agent = worker->agent;
        uint32_t others;

        if (worker->lease->uid_slot >= 0)
                return worker->pool->mold.max_processes;
        others = worker_other_tasks(agent);
        return others ? others + max_u64(agent->n_workers, WORKER_CROWD) *
                                         (worker->pool->mold.max_processes + 1)
                      : 0;
}

/* A directory of the host has no end of its own: at the latest there a file has one. */
static uint64_t worker_file_limit(const Worker *worker) {
        const Mold *mold = &worker->pool->mold;

        return worker->lease->work_dir.fd < 0 ? mold->file_bytes
                                              : min_u64(mold->file_bytes, mold->disk_bytes);
}

static ZygoteSpawnFrame worker_spawn_frame(const Worker *worker) {
        const Mold *mold = &worker->pool->mold;
        const Nest *nest = &worker->agent->nest;
        ZygoteSpawnFrame frame = {
                .uid = lease_uid(worker->lease),
                .data_bytes = mold->memory_bytes ? mold->memory_bytes + WORKER_DATA_SLACK_BYTES : 0,
                .file_bytes = worker_file_limit(worker),
                .disk_bytes = mold->disk_bytes,
                .cpu_seconds = mold->cpu_ns ? mold->cpu_ns / NSEC_PER_SEC + 2 : 0,
                .n_files = WORKER_N_FILES,
                .n_processes = worker_process_limit(worker),
                .n_group_fds = worker->n_group_fds,
                .without = worker->agent->without | worker->agent->lacking,
        };

        if (nest->pid_namespace)
                frame.flags |= SPAWN_FLAG_PIDNS;
        if (nest->user_namespace)
                frame.flags |= SPAWN_FLAG_USERNS;
        if (mold->processes)
                frame.flags |= SPAWN_FLAG_PROCESSES;
        if (mold->proc)
                frame.flags |= SPAWN_FLAG_PROC;
        if (!worker->run && pool_has_time(worker->pool))
                frame.flags |= SPAWN_FLAG_REHEARSE;
        return frame;
}

int worker_hand_over(Worker *worker, Zygote *zygote, Failure *failure) {
        ZygoteSpawnFrame frame;
        int r = 0;

        if (worker->n_child_fds == 0)
                r = worker_equip(worker, failure);
        if (r)
                return r == -EAGAIN || r == -EPIPE ? -EIO : r;
        frame = worker_spawn_frame(worker);
        r = packet_send(zygote->process.control_fd, FRAME_ZYGOTE_SPAWN, worker->id, &frame,
                        sizeof(frame), worker->child_fds, worker->n_child_fds);
        if (r == -ECONNRESET)
                r = -EPIPE;
        if (r == -EAGAIN || r == -EPIPE)
                return r;
        if (r)
                return failure_errno(failure, FAILURE_STAGE_ZYGOTE, -r, "cannot reach the zygote");
        worker_close_child_fds(worker);
        worker->zygote = zygote;
        worker->state = WORKER_STARTING;
        ++zygote->n_starting;
        ++zygote->n_forks;
        worker_set_deadline(worker, clock_now_ns() + WORKER_START_TIMEOUT_NS);
        worker->lease->used = true;
        return 0;
}

/* the zygote's word */

void worker_spawned(Worker *worker, pid_t pid, int pidfd) {
        if (worker->pidfd >= 0) {
                (void)fd_close(pidfd);
                return;
        }
        worker->pid = pid;
        worker->pidfd = pidfd;
        if (worker->state == WORKER_ENDING)
                worker_kill(worker); /* it was to end before it was there */
        worker_idle_if_complete(worker);
}

void worker_exited(Worker *worker, const ZygoteExitedFrame *exited) {
        ZygoteExitedFrame own = *exited;

        worker->reaped = true;
        worker_read_socket(worker); /* its last words may still be there */
        own.cpu_user_ns -=
                own.cpu_user_ns > worker->cpu_user_ns ? worker->cpu_user_ns : own.cpu_user_ns;
        own.cpu_system_ns -= own.cpu_system_ns > worker->cpu_system_ns ? worker->cpu_system_ns
                                                                       : own.cpu_system_ns;
        if (worker->run)
                run_worker_exited(worker->run, &own);
        else if (worker->state < WORKER_ENDING) /* or they could be made, and die, for ever */
                pool_standby_lost(worker->pool);
        (void)worker_free(worker);
}

/* the run */

void worker_begin(Worker *worker, const WorkerRunFrame *frame, uint64_t output_bytes) {
        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                worker->captures[i].cap = output_bytes;
        worker->state = WORKER_BUSY;
        /* one that is gone shows by its end */
        worker->unread = packet_send(worker->socket_fd, FRAME_WORKER_RUN, worker->id, frame,
                                     sizeof(*frame), NULL, 0) < 0;
}

static void worker_add_family(Worker *worker, WorkerUse *use) {
        long init = worker->init.pidfd < 0 ? -1 : memory_proc_pid(worker->init.pidfd);
        FamilyUse family;

        family = family_measure(worker->memory.pid, init, worker->memory.baseline_bytes);
        use->memory_bytes += family.memory_bytes;
        use->n_tasks += family.n_tasks;
        worker->memory.peak_bytes = max_u64(worker->memory.peak_bytes, use->memory_bytes);
}

/* RLIMIT_NPROC is then the sum of what all runs may have, or, for root, no limit at all. */
static bool worker_shares_its_limits(const Worker *worker) {
        return !worker->group && worker->lease->uid_slot < 0;
}

/* As many files as a tmpfs would allow it. */
static bool worker_has_too_much_disk(Worker *worker) {
        Lease *lease = worker->lease;

        return lease->work_dir.fd >= 0 &&
               disk_watch_look(&lease->disk, lease->work_dir.fd, worker->pool->mold.disk_bytes,
                               VIEW_INODES_MAX, worker->agent->n_runs);
}

void worker_sample(Worker *worker, WorkerUse *use) {
        uint64_t user_ns = 0, system_ns = 0;
        CgroupUsage group = {0};

        *use = (WorkerUse){.memory_bytes = memory_watch_sample(&worker->memory)};
        if (!cpu_time_read(worker->pid, &user_ns, &system_ns))
                use->cpu_ns = user_ns + system_ns - worker->cpu_user_ns - worker->cpu_system_ns;
        use->n_tasks = worker->memory.n_threads;
        if (!worker->group && worker->pool->mold.processes)
                worker_add_family(worker, use);
        use->too_many_tasks =
                worker_shares_its_limits(worker) && use->n_tasks > worker->pool->mold.max_processes;
        use->too_much_disk = worker_has_too_much_disk(worker);
        /* what one process has is known; what several have, or its files, only the group tells */
        if (!worker->group ||
            (!worker->pool->mold.processes && worker->n_samples++ % WORKER_GROUP_SAMPLES) ||
            cgroup_read(worker->group, &group))
                return;
        use->out_of_memory = group.oom_kills > 0;
        use->cpu_ns = max_u64(use->cpu_ns, group.cpu_ns);
        if (group.memory_bytes > WORKER_GROUP_SLACK_BYTES)
                worker->memory.peak_bytes = max_u64(worker->memory.peak_bytes,
                                                    group.memory_bytes - WORKER_GROUP_SLACK_BYTES);
}

void worker_yield(Worker *worker) {
        if (worker->group && !worker->yields)
                cgroup_set_background(worker->group);
        worker->yields = true;
}
