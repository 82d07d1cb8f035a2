/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/cpu-time.h"
#include "agent/environment.h"
#include "agent/pool.h"
#include "agent/run-delivery.h"
#include "agent/run.h"
#include "agent/worker.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"

#define RUN_PREPARE_TIMEOUT_NS                                                                     \
        (60 *                                                                                      \
         NSEC_PER_SEC) /* for the request to come and a worker to wait, in a warm environment */
#define RUN_LONG_NS        (20 * NSEC_PER_MSEC)  /* after which others go first */
#define RUN_EXIT_NS        (500 * NSEC_PER_MSEC) /* for atexit functions, all together */
#define RUN_FAULTS_FROM_NS NSEC_PER_MSEC         /* a run this long has its page faults counted */
#define RUN_MEMORY_MAX     (UINT64_C(1) << 62)   /* sums with more could wrap */
#define RUN_DISK_MAX       (UINT64_C(1) << 50)

static void run_set_deadline(Run *run, uint64_t deadline_ns) {
        run->deadline_ns = deadline_ns;
        agent_wake_by(run->agent, deadline_ns);
}

/* birth and death */

Run *run_free(Run *run) {
        if (!run)
                return NULL;
        if (run->worker)
                worker_release(run->worker);
        region_file_deinit(&run->region);
        list_remove(&run->by_id);
        list_remove(&run->delivering);
        if (run->state == RUN_RUNNING)
                --run->agent->n_running;
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
        run->credit = FRAME_CREDIT_INITIAL;
        run->deadline_ns = UINT64_MAX;
        run->ending.timeout_ns = submit->timeout_ns;
        run->ending.cpu_ns = submit->cpu_ns;
        list_init(&run->delivering);
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
            submit->result_bytes > REGION_RESULT_MAX || submit->max_processes == 0 ||
            submit->disk_bytes == 0 || submit->disk_bytes > RUN_DISK_MAX || submit->file_bytes == 0)
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
        run_set_deadline(run, clock_after_ns(clock_now_ns() + RUN_PREPARE_TIMEOUT_NS,
                                             environment->startup_timeout_ns));
        environment_add_run(environment, run);
        return 0;
}

void run_fail(Run *run, const Failure *failure) {
        link_send_failure(&run->agent->link, run->id, failure);
        (void)run_free(run);
}

/* the end */

static void run_stop_clock(Run *run) {
        if (run->state == RUN_RUNNING)
                --run->agent->n_running;
        run->state = RUN_ENDING;
        run->deadline_ns = UINT64_MAX; /* the worker has one */
        if (run->started_ns)
                run->usage.wall_ns = clock_now_ns() - run->started_ns;
}

/* Everything of the run is killed; its worker is not gone yet. */
static void run_set_ending(Run *run) {
        run_stop_clock(run);
        worker_end(run->worker);
}

/* Decides, takes from the worker what is to be delivered, and delivers it: the tidying can wait,
 * the host does not. */
static void run_conclude(Run *run) {
        Worker *worker = run->worker;
        Verdict verdict;

        for (size_t i = 0; i < _REGION_STREAM_N; ++i)
                capture_drain(&worker->captures[i]);
        run->usage.peak_memory_bytes = worker->memory.peak_bytes;
        run->layers = worker->layers;
        run->host_network = worker->environment->order.flags & ENV_FLAG_HOST_NETWORK;
        run->region = worker->region;
        worker->region = REGION_FILE_NULL;
        run->worker = NULL;
        worker->run = NULL;
        verdict_decide(&verdict, &run->ending);
        if (worker->n_imports > 0 && verdict.killed_by == KILLED_BY_NOBODY)
                environment_learn(worker->environment, worker->imports, worker->n_imports);
        run_deliver(run, &verdict);
        agent_answer(run->agent);
        (void)sched_yield(); /* to the host, where it was woken on this processor */
        worker_release(worker);
}

static void run_kill(Run *run, KilledBy why) {
        bool has_process;

        if (run->state > RUN_RUNNING)
                return;
        has_process = run->worker->state != WORKER_WAITING;
        run->ending.killed_by = why;
        (void)memory_watch_sample(&run->worker->memory);
        run_set_ending(run);
        if (!has_process)
                run_conclude(run);
}

void run_cancel(Run *run) {
        run_kill(run, KILLED_BY_CANCEL);
}

void run_worker_misbehaved(Run *run) {
        run_kill(run, KILLED_BY_AGENT);
}

/* Where an outcome is known already, it holds. */
void run_worker_failed(Run *run, const Failure *why) {
        if (run->ending.has_result || run->ending.killed_by != KILLED_BY_NOBODY)
                run_conclude(run);
        else
                run_fail(run, why);
}

/* To look costs ten microseconds, of which a short run has not so many. */
static void run_count_faults(Run *run) {
        uint64_t minor, major;

        if (run->usage.wall_ns < RUN_FAULTS_FROM_NS ||
            memory_page_faults(&run->worker->memory, &minor, &major))
                return;
        run->page_faults = minor + major;
        run->counted_faults = true;
}

void run_worker_answered(Run *run, const WorkerResultFrame *result) {
        Worker *worker = run->worker;
        uint64_t user_ns = 0, system_ns = 0;

        if (result->result_size > run->submit.result_bytes ||
            result->error_size > REGION_ERROR_MAX) {
                run_kill(run, KILLED_BY_AGENT);
                return;
        }
        run->ending.has_result = true;
        run->ending.result = *result;
        (void)memory_watch_sample(&worker->memory);
        /* S-03: with its pid namespace everything of the run is killed now, and nobody need wait
         * for it to be gone. Without one, what it has forked is only swept before the zygote's
         * report. */
        run_stop_clock(run);
        run_count_faults(run);
        /* Nor for its children's time: with them only the zygote's report has it all. */
        if (run->agent->nest.pid_namespace && !worker->pool->mold.processes &&
            !cpu_time_read(worker->pid, &user_ns, &system_ns)) {
                pidns_init_kill(&worker->init);
                run->usage.cpu_user_ns = user_ns - min_u64(user_ns, worker->cpu_user_ns);
                run->usage.cpu_system_ns = system_ns - min_u64(system_ns, worker->cpu_system_ns);
                run_conclude(run);
        } else
                worker_end(worker);
}

void run_worker_ended(Run *run, const WorkerResultFrame *result) {
        uint64_t exit_by_ns = clock_now_ns() + RUN_EXIT_NS;

        if (exit_by_ns >= run->deadline_ns)
                return; /* the deadline comes first */
        run->end = *result;
        run->exit_by_ns = exit_by_ns;
        run_set_deadline(run, exit_by_ns);
}

/* A standby that died before it had a request has done nothing: another one takes its place, with
 * the request as far as it has come. */
static int run_replace_worker(Run *run) {
        Worker *old = run->worker, *new;
        RegionFile region;
        int r;

        if (run->replaced)
                return -EALREADY;
        r = worker_new(&new, old->environment, old->pool, NULL);
        if (r)
                return r;
        run->replaced = true;
        region = new->region;
        new->region = old->region;
        old->region = region;
        old->run = NULL;
        if (run->state == RUN_RUNNING)
                --run->agent->n_running;
        run->state = RUN_PREPARING;
        run->started_ns = 0;
        run_set_deadline(run, clock_now_ns() + RUN_PREPARE_TIMEOUT_NS);
        run_attach(run, new);
        environment_pump(new->environment);
        return 0;
}

void run_worker_exited(Run *run, const ZygoteExitedFrame *exited) {
        Worker *worker = run->worker;
        uint64_t resident = exited->max_rss_bytes;

        if (run->state < RUN_RUNNING || (run->state == RUN_RUNNING && worker->unread)) {
                Failure failure = FAILURE_NULL;

                if (run_replace_worker(run) == 0)
                        return;
                (void)failure_set(&failure, FAILURE_STAGE_WORKER, ECHILD,
                                  "the worker ended before it had the request: wait status %d",
                                  exited->status);
                run_fail(run, &failure);
                return;
        }
        if (run->state != RUN_ENDING)
                run_set_ending(run);
        run->ending.status = exited->status;
        run->usage.cpu_user_ns = exited->cpu_user_ns;
        run->usage.cpu_system_ns = exited->cpu_system_ns;
        run->page_faults = exited->page_faults;
        run->counted_faults = true;
        if (!run->ending.has_result && resident > worker->memory.resident_bytes &&
            resident - worker->memory.resident_bytes > worker->memory.peak_bytes)
                worker->memory.peak_bytes = resident - worker->memory.resident_bytes;
        run_conclude(run);
}

/* the beginning */

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
                .flags = worker_tells_imports(run->worker) ? WORKER_FLAG_IMPORTS : 0u,
        };

        if (run->worker->state != WORKER_IDLE || run->state != RUN_PREPARING ||
            run->received[DATA_CODE] != submit->code_size ||
            run->received[DATA_INPUT] != submit->input_size ||
            run->received[DATA_POLICY] != submit->policy_size ||
            run->received[DATA_NAME] != submit->name_size)
                return;
        if (!lease_use(run->worker->lease)) {
                run->agent->tmp_awaited = true;
                return;
        }
        run->state = RUN_RUNNING;
        run->started_ns = run->agent->begun_ns = clock_now_ns();
        ++run->agent->n_running;
        run_set_deadline(run, clock_after_ns(run->started_ns, submit->timeout_ns));
        agent_wake_by(run->agent, run->started_ns + AGENT_SAMPLE_NS);
        worker_begin(run->worker, &frame, submit->output_bytes);
}

void run_tmp_is_free(Run *run) {
        if (run->worker)
                run_begin_if_complete(run);
}

static void run_refuse_level(Run *run, IsolationLevel reached) {
        LayerSet missing = isolation_level_layers(run->submit.min_level) & ~run->worker->layers;
        Failure failure = FAILURE_NULL;
        char names[256] = "";
        size_t length = 0;

        for (unsigned int i = 0; i < _LAYER_N && length < sizeof(names); ++i)
                if (missing & LAYER_BIT(i))
                        length += (size_t)snprintf(names + length, sizeof(names) - length, " %s",
                                                   layer_name(i));
        (void)failure_set(&failure, FAILURE_STAGE_SANDBOX, EPERM,
                          "isolation '%s' is demanded, and this host reaches only '%s', without%s; "
                          "`spr doctor` says why",
                          isolation_level_name(run->submit.min_level),
                          isolation_level_name(reached), names);
        run_fail(run, &failure);
}

void run_worker_ready(Run *run) {
        IsolationLevel reached = isolation_level_of(run->worker->layers);

        if (reached >= run->submit.min_level)
                run_begin_if_complete(run);
        else
                run_refuse_level(run, reached);
}

void run_attach(Run *run, Worker *worker) {
        run->worker = worker;
        run->standby = worker->state == WORKER_IDLE;
        worker->run = run;
        worker_set_awaited(worker, worker->state < WORKER_IDLE);
        if (worker->state == WORKER_IDLE)
                run_worker_ready(run);
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
        r = fd_pwrite_all(run->worker->region.fd, payload, header->length,
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

void run_overdue(Run *run) {
        Failure failure = FAILURE_NULL;

        if (run->state == RUN_RUNNING && run->exit_by_ns) {
                run_worker_answered(run, &run->end);
                return;
        }
        if (run->state == RUN_RUNNING) {
                run_kill(run, KILLED_BY_TIMEOUT);
                return;
        }
        (void)failure_lit(&failure, FAILURE_STAGE_WORKER, ETIMEDOUT,
                          "no worker became ready in time");
        run_fail(run, &failure);
}

bool run_wants_samples(const Run *run) {
        return run->state == RUN_RUNNING;
}

void run_take_sample(Run *run) {
        const SubmitFrame *submit = &run->submit;
        WorkerUse use;

        if (clock_now_ns() - run->started_ns >= RUN_LONG_NS)
                worker_yield(run->worker);
        worker_sample(run->worker, &use);
        if (use.out_of_memory || (submit->memory_bytes && use.memory_bytes > submit->memory_bytes))
                run_kill(run, KILLED_BY_MEMORY);
        else if (submit->cpu_ns && use.cpu_ns > submit->cpu_ns)
                run_kill(run, KILLED_BY_CPU);
        else if (use.too_many_tasks)
                run_kill(run, KILLED_BY_PROCESSES);
        else if (use.too_much_disk)
                run_kill(run, KILLED_BY_DISK);
}
