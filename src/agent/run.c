/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/cpu-time.h"
#include "agent/environment.h"
#include "agent/run-delivery.h"
#include "agent/run.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/credentials.h"
#include "wire/packet.h"

#define RUN_PREPARE_TIMEOUT_NS                                                                     \
        (60 *                                                                                      \
         NSEC_PER_SEC) /* for the request to come and a worker to wait, in a warm environment */
#define RUN_END_TIMEOUT_NS   (2 * NSEC_PER_SEC)    /* from the kill to the zygote's word */
#define RUN_DATA_SLACK_BYTES (UINT64_C(512) << 20) /* RLIMIT_DATA above the memory limit */
#define RUN_DISK_BYTES       (UINT64_C(128) << 20)
#define RUN_N_FILES          1024
#define RUN_MEMORY_MAX       (UINT64_C(1) << 62) /* sums with more could wrap */

/* birth and death */

static void run_close_child_fds(Run *run) {
        for (size_t i = 0; i < run->n_child_fds; ++i)
                run->child_fds[i] = fd_close(run->child_fds[i]);
        run->n_child_fds = 0;
}

/* SIGKILL to everything the run is made of. */
static void run_kill_processes(Run *run) {
        pidns_init_kill(&run->init);
        if (run->worker_pidfd >= 0)
                (void)syscall(SYS_pidfd_send_signal, run->worker_pidfd, SIGKILL, NULL, 0u);
}

Run *run_free(Run *run) {
        if (!run)
                return NULL;
        run_kill_processes(run);
        run_close_child_fds(run);
        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                capture_deinit(&run->captures[i]);
        loop_remove(&run->socket_source);
        (void)fd_close(run->socket_fd);
        (void)fd_close(run->worker_pidfd);
        memory_watch_deinit(&run->memory);
        region_file_deinit(&run->region);
        (void)lease_free(run->lease);
        list_remove(&run->by_id);
        list_remove(&run->in_turn);
        --run->agent->n_runs;
        free(run);
        return NULL;
}

static Run *run_allocate(Agent *agent, uint64_t id, const SubmitFrame *submit) {
        Run *run = calloc(1, sizeof(*run));

        if (!run)
                return NULL;
        run->agent = agent;
        run->id = id;
        run->submit = *submit;
        run->region = REGION_FILE_NULL;
        run->captures[REGION_STDOUT] = run->captures[REGION_STDERR] = CAPTURE_NULL;
        run->socket_fd = run->worker_pidfd = -1;
        run->init = PIDNS_INIT_NULL;
        run->memory = MEMORY_WATCH_NULL;
        run->credit = FRAME_CREDIT_INITIAL;
        run->deadline_ns = UINT64_MAX;
        run->ending.timeout_ns = submit->timeout_ns;
        list_init(&run->in_turn);
        list_append(&agent->runs[id % AGENT_BUCKETS], &run->by_id);
        ++agent->n_runs;
        return run;
}

static int run_check_submit(const SubmitFrame *submit, Failure *failure) {
        static const char *const words[] = {"code", "input", "policy", "name"};
        const uint64_t sizes[] = {submit->code_size, submit->input_size, submit->policy_size,
                                  submit->name_size};
        const uint64_t limits[] = {REGION_CODE_MAX, REGION_INPUT_MAX, REGION_POLICY_MAX,
                                   REGION_NAME_MAX};

        for (size_t i = 0; i < ARRAY_SIZE(words); ++i)
                if (sizes[i] > limits[i])
                        return failure_set(failure, FAILURE_STAGE_REQUEST, EFBIG,
                                           "%s is too large: %llu bytes, limit %llu", words[i],
                                           (unsigned long long)sizes[i],
                                           (unsigned long long)limits[i]);
        if (submit->timeout_ns == 0 || submit->memory_bytes > RUN_MEMORY_MAX ||
            submit->min_level >= _ISOLATION_N || submit->output_bytes > REGION_OUTPUT_MAX ||
            submit->result_bytes > REGION_RESULT_MAX)
                return failure_lit(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "a limit of the request is out of range");
        return 0;
}

int run_new(Agent *agent, const FrameHeader *header, const SubmitFrame *submit, Failure *failure) {
        Environment *environment = agent_find_environment(agent, submit->environment);
        Failure why = FAILURE_NULL;
        Run *run;

        if (agent_find_run(agent, header->stream))
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: a run id was used twice");
        if (run_check_submit(submit, &why)) {
                link_send_failure(&agent->link, header->stream, &why);
                return 0;
        }
        run = environment && agent->n_runs < agent->max_runs
                      ? run_allocate(agent, header->stream, submit)
                      : NULL;
        if (!environment)
                (void)failure_lit(&why, FAILURE_STAGE_REQUEST, ENOENT, "no such environment");
        else if (!run)
                (void)failure_set(&why, FAILURE_STAGE_RESOURCES, EAGAIN,
                                  "too many runs at the same time: limit %u", agent->max_runs);
        if (!run) {
                link_send_failure(&agent->link, header->stream, &why);
                return 0;
        }
        if (region_file_new(&run->region, &why)) {
                run_fail(run, &why);
                return 0;
        }
        run->deadline_ns = clock_after_ns(clock_now_ns() + RUN_PREPARE_TIMEOUT_NS,
                                          environment->startup_timeout_ns);
        environment_add_run(environment, run);
        return 0;
}

void run_fail(Run *run, const Failure *failure) {
        link_send_failure(&run->agent->link, run->id, failure);
        (void)run_free(run);
}

/* the end */

static void run_set_ending(Run *run) {
        run->state = RUN_ENDING;
        run->deadline_ns = clock_now_ns() + RUN_END_TIMEOUT_NS;
        if (run->started_ns)
                run->usage.wall_ns = clock_now_ns() - run->started_ns;
        loop_remove(&run->socket_source);
        run_kill_processes(run);
}

static void run_conclude(Run *run) {
        Verdict verdict;

        if (run->failure.stage != FAILURE_STAGE_NONE) {
                run_fail(run, &run->failure);
                return;
        }
        run_kill_processes(run);
        for (size_t i = 0; i < _REGION_STREAM_N; ++i) {
                capture_drain(&run->captures[i]);
                capture_deinit(&run->captures[i]);
        }
        verdict_decide(&verdict, &run->ending);
        run_deliver(run, &verdict);
}

static void run_kill(Run *run, KilledBy why) {
        if (run->state > RUN_RUNNING)
                return;
        run->ending.killed_by = why;
        (void)memory_watch_sample(&run->memory);
        run_set_ending(run);
        if (!run->handed_over)
                run_conclude(run);
}

void run_cancel(Run *run) {
        run_kill(run, KILLED_BY_CANCEL);
}

void run_zygote_lost(Run *run, const Failure *why) {
        if (run->state == RUN_DELIVERING)
                return;
        if (run->ending.has_result || run->ending.killed_by != KILLED_BY_NOBODY ||
            run->failure.stage != FAILURE_STAGE_NONE)
                run_conclude(run);
        else
                run_fail(run, why);
}

/* the worker's socket */

static void run_worker_answered(Run *run, const WorkerResultFrame *result) {
        if (result->result_size > run->submit.result_bytes ||
            result->error_size > REGION_ERROR_MAX) {
                run_kill(run, KILLED_BY_AGENT);
                return;
        }
        run->ending.has_result = true;
        run->ending.result = *result;
        (void)memory_watch_sample(&run->memory);
        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                capture_drain(&run->captures[i]);
        /* S-03: with its pid namespace everything of the run is killed now, and nobody need wait
         * for it to be gone. Without one, what it has forked is only swept before the zygote's
         * report. */
        if (run->agent->nest.pid_namespace && !run->worker_reaped &&
            !cpu_time_read(run->worker_pid, &run->usage.cpu_user_ns, &run->usage.cpu_system_ns)) {
                run_set_ending(run);
                run->usage.peak_memory_bytes = run->memory.peak_bytes;
                environment_park(run->environment, take_ptr(&run->lease), run->deadline_ns);
                run_conclude(run);
                return;
        }
        run_set_ending(run);
}

/* Hands over as soon as both the request and a worker are there. */
static void run_begin_if_complete(Run *run) {
        const SubmitFrame *submit = &run->submit;
        WorkerRunFrame frame = {
                .code_size = submit->code_size,
                .input_size = submit->input_size,
                .policy_size = submit->policy_size,
                .name_size = submit->name_size,
                .output_bytes = submit->output_bytes,
                .result_bytes = submit->result_bytes,
        };

        /* without the pidfd the code could run before its memory is watched */
        if (!run->worker_ready || run->worker_pidfd < 0 || run->state != RUN_PREPARING ||
            run->received[DATA_CODE] != submit->code_size ||
            run->received[DATA_INPUT] != submit->input_size ||
            run->received[DATA_POLICY] != submit->policy_size ||
            run->received[DATA_NAME] != submit->name_size)
                return;
        /* a worker that is gone shows by its end */
        (void)packet_send(run->socket_fd, FRAME_WORKER_RUN, run->id, &frame, sizeof(frame), NULL,
                          0);
        run->state = RUN_RUNNING;
        run->started_ns = clock_now_ns();
        run->deadline_ns = clock_after_ns(run->started_ns, submit->timeout_ns);
}

/* Whether the worker is confined as strongly as demanded; otherwise there is no run. */
static int run_check_level(Run *run) {
        IsolationLevel reached = isolation_level_of(run->layers);

        if (reached >= run->submit.min_level)
                return 0;
        return failure_set(&run->failure, FAILURE_STAGE_SANDBOX, EPERM,
                           "isolation '%s' is demanded, and this host reaches only '%s'",
                           isolation_level_name(run->submit.min_level),
                           isolation_level_name(reached));
}

/* Returns false when the run has ended. */
static bool run_handle_packet(Run *run, const Packet *packet) {
        WorkerReadyFrame ready;
        WorkerResultFrame result;

        switch (packet->header.type) {
        case FRAME_WORKER_READY:
                memcpy(&ready, packet->payload, sizeof(ready));
                run->layers = ready.layers;
                run->worker_ready = true;
                if (run_check_level(run)) {
                        run_set_ending(run);
                        return false;
                }
                run_begin_if_complete(run);
                return true;
        case FRAME_WORKER_RESULT:
                memcpy(&result, packet->payload, sizeof(result));
                run_worker_answered(run, &result);
                return false;
        case FRAME_WORKER_FAILURE:
                memcpy(&run->failure, packet->payload, sizeof(run->failure));
                failure_sanitise(&run->failure);
                if (run->failure.stage == FAILURE_STAGE_NONE)
                        run->failure.stage = FAILURE_STAGE_WORKER;
                run_set_ending(run);
                return false;
        default:                           /* STARTED */
                if (run->worker_started) { /* or the code could hold us in the loop that reads */
                        run_kill(run, KILLED_BY_AGENT);
                        return false;
                }
                run->worker_started = true;
                return true;
        }
}

static void run_read_socket(Run *run) {
        Failure failure = FAILURE_NULL;
        Packet packet;
        int r;

        do {
                r = packet_receive(run->socket_fd, &packet, SENDER_WORKER,
                                   run->worker_ready ? WIRE_RUNNING : WIRE_GREETING, NULL, NULL,
                                   &failure);
                if (r > 0 && packet.header.stream != run->id)
                        r = -EPROTO;
        } while (r > 0 && run_handle_packet(run, &packet));
        if (r == 0)
                loop_remove(&run->socket_source); /* the end of the worker tells the rest */
        else if (r < 0 && r != -EAGAIN)
                run_kill(run, KILLED_BY_AGENT);
}

static void run_socket_ready(LoopSource *source, uint32_t events _unused_) {
        run_read_socket(container_of(source, Run, socket_source));
}

void run_worker_exited(Run *run, const ZygoteExitedFrame *exited) {
        uint64_t resident = exited->max_rss_bytes;

        if (run->state == RUN_DELIVERING)
                return;
        run->worker_reaped = true;
        if (run->state != RUN_ENDING)
                run_read_socket(run); /* its last words may still be there */
        if (run->state == RUN_PREPARING)
                (void)failure_set(&run->failure, FAILURE_STAGE_WORKER, ECHILD,
                                  "the worker ended before it had the request: wait status %d",
                                  exited->status);
        if (run->state != RUN_ENDING)
                run_set_ending(run);
        run->ending.status = exited->status;
        run->usage.cpu_user_ns = exited->cpu_user_ns;
        run->usage.cpu_system_ns = exited->cpu_system_ns;
        run->usage.peak_memory_bytes = run->memory.peak_bytes;
        if (!run->ending.has_result && resident > run->memory.resident_bytes &&
            resident - run->memory.resident_bytes > run->usage.peak_memory_bytes)
                run->usage.peak_memory_bytes = resident - run->memory.resident_bytes;
        run_conclude(run);
}

/* from waiting to a worker */

static int run_open_socket(Run *run, Failure *failure) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a worker's socket");
        run->socket_fd = pair[0];
        run->child_fds[run->n_child_fds++] = pair[1];
        if (fd_set_nonblock(run->socket_fd, true))
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a worker's socket");
        return loop_add(&run->agent->loop, &run->socket_source, run->socket_fd, EPOLLIN,
                        run_socket_ready, failure);
}

static int run_give_dup(Run *run, int fd, Failure *failure) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

        if (copy < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot copy a descriptor");
        run->child_fds[run->n_child_fds++] = copy;
        return 0;
}

static int run_open_work_dir(Run *run, Failure *failure) {
        int r;

        if (run->environment->layers & LAYER_BIT(LAYER_MOUNT_NAMESPACE))
                return run_give_dup(run, run->region.fd, failure); /* fills the place, unused */
        r = work_dir_init(&run->lease->work_dir, lease_uid(run->lease), failure);
        return r ? r : run_give_dup(run, run->lease->work_dir.fd, failure);
}

/* Makes what the worker will be given, in the order of ZYGOTE_SPAWN. */
static int run_equip(Run *run, Failure *failure) {
        int r;

        r = lease_new(&run->lease, run->agent, run->id, failure);
        if (r)
                return r;
        run->lease->owns_ipc = !(run->environment->layers & LAYER_BIT(LAYER_IPC_NAMESPACE));
        r = run_open_socket(run, failure);
        for (int i = 0; !r && i < _REGION_STREAM_N; ++i) {
                r = capture_init(&run->captures[i], &run->agent->loop, &run->region,
                                 (RegionStream)i, run->submit.output_bytes,
                                 &run->child_fds[run->n_child_fds], failure);
                run->n_child_fds += r ? 0 : 1;
        }
        if (!r)
                r = run_give_dup(run, run->region.fd, failure);
        if (!r)
                r = run_open_work_dir(run, failure);
        if (!r && run->agent->nest.pid_namespace) {
                r = pidns_init_new(&run->init, failure);
                if (!r)
                        r = run_give_dup(run, run->init.pidfd, failure);
        }
        return r;
}

int run_hand_over(Run *run) {
        Failure failure = FAILURE_NULL;
        ZygoteSpawnFrame frame = {
                .data_bytes = run->submit.memory_bytes
                                      ? run->submit.memory_bytes + RUN_DATA_SLACK_BYTES
                                      : 0,
                .file_bytes = RUN_DISK_BYTES,
                .disk_bytes = RUN_DISK_BYTES,
                .n_files = RUN_N_FILES,
        };
        int r = 0;

        if (run->n_child_fds == 0)
                r = run_equip(run, &failure);
        frame.uid = run->lease ? lease_uid(run->lease) : UID_STAY;
        frame.flags = (run->agent->nest.pid_namespace ? SPAWN_FLAG_PIDNS : 0u) |
                      (run->agent->nest.user_namespace ? SPAWN_FLAG_USERNS : 0u);
        if (!r) {
                r = packet_send(run->environment->zygote.control_fd, FRAME_ZYGOTE_SPAWN, run->id,
                                &frame, sizeof(frame), run->child_fds, run->n_child_fds);
                if (r == -ECONNRESET)
                        r = -EPIPE;
                if (r == -EAGAIN || r == -EPIPE)
                        return r;
                if (r)
                        (void)failure_errno(&failure, FAILURE_STAGE_ZYGOTE, -r,
                                            "cannot reach the zygote");
        }
        if (r) {
                run_fail(run, &failure);
                return r;
        }
        run_close_child_fds(run);
        run->handed_over = run->lease->used = true;
        return 0;
}

void run_worker_spawned(Run *run, pid_t pid, int pidfd) {
        if (run->worker_pidfd >= 0) {
                (void)fd_close(pidfd);
                return;
        }
        run->worker_pid = pid;
        run->worker_pidfd = pidfd;
        memory_watch_init(&run->memory, pidfd);
        if (run->state == RUN_ENDING)
                run_kill_processes(run); /* it was to end before it was there */
        run_begin_if_complete(run);
}

/* the request and the clock */

static uint64_t run_channel_offset(const Run *run, DataChannel channel) {
        const SubmitFrame *submit = &run->submit;
        const uint64_t sizes[] = {submit->code_size, submit->input_size, submit->policy_size};
        uint64_t offset = REGION_REQUEST_OFFSET;

        for (unsigned int i = 0; i < (unsigned int)channel; ++i)
                offset += sizes[i];
        return offset;
}

static uint64_t run_channel_size(const Run *run, DataChannel channel) {
        const SubmitFrame *submit = &run->submit;
        const uint64_t sizes[] = {submit->code_size, submit->input_size, submit->policy_size,
                                  submit->name_size};

        return sizes[channel];
}

static void run_grant_credit(Run *run, uint32_t length) {
        CreditFrame frame = {0};

        run->credit_owed += length;
        if (run->credit_owed < FRAME_CREDIT_INITIAL / 2)
                return;
        frame.bytes = run->credit_owed;
        run->credit_owed = 0;
        (void)link_send(&run->agent->link, frame_header(FRAME_CREDIT, run->id, sizeof(frame)),
                        &frame);
}

int run_receive(Run *run, const FrameHeader *header, const uint8_t *payload, Failure *failure) {
        DataChannel channel = (DataChannel)(header->flags & FRAME_CHANNEL_MASK);
        Failure why = FAILURE_NULL;
        int r;

        if (run->state != RUN_PREPARING)
                return 0; /* crossed with our answer */
        if (channel > DATA_NAME ||
            header->length > run_channel_size(run, channel) - run->received[channel])
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: more request data than was announced");
        r = fd_pwrite_all(run->region.fd, payload, header->length,
                          run_channel_offset(run, channel) + run->received[channel]);
        if (r) {
                (void)failure_errno(&why, FAILURE_STAGE_RESOURCES, -r,
                                    "cannot store the run's request");
                run_fail(run, &why);
                return 0;
        }
        run->received[channel] += header->length;
        run_grant_credit(run, header->length);
        run_begin_if_complete(run);
        return 0;
}

void run_check_deadline(Run *run, uint64_t now_ns) {
        Failure failure = FAILURE_NULL;

        if (now_ns < run->deadline_ns)
                return;
        if (run->state == RUN_RUNNING) {
                run_kill(run, KILLED_BY_TIMEOUT);
        } else if (run->state == RUN_PREPARING) {
                (void)failure_lit(&failure, FAILURE_STAGE_WORKER, ETIMEDOUT,
                                  "no worker became ready in time");
                run_fail(run, &failure);
        } else if (run->state == RUN_ENDING) {
                environment_break(run->environment, &environment_silent);
        }
}

bool run_wants_samples(const Run *run) {
        return run->state == RUN_RUNNING && run->submit.memory_bytes > 0 &&
               run->memory.status_fd >= 0;
}

void run_check_memory(Run *run) {
        if (memory_watch_sample(&run->memory) > run->submit.memory_bytes)
                run_kill(run, KILLED_BY_MEMORY);
}
