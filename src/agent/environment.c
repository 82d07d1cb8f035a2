/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/environment.h"
#include "agent/run.h"
#include "agent/worker.h"
#include "base/clock.h"
#include "base/fd.h"
#include "wire/messages.h"
#include "wire/packet.h"

#define ENVIRONMENT_LISTS_MAX 1024 /* preloads and paths */
#define WORDS_READS_MAX       128  /* more than a pipe holds */

/* birth and death */

/* Splits NUL-terminated strings: the interpreter, the preloads, the paths. */
static int environment_take_strings(Environment *environment,
                                    const uint8_t *bytes,
                                    size_t length,
                                    const EnvOpenFrame *open,
                                    Failure *failure) {
        size_t n_lists = (size_t)open->n_preloads + open->n_paths, n = 0;
        const char *at, *end;

        if (length == 0 || bytes[length - 1] != '\0' || n_lists > ENVIRONMENT_LISTS_MAX)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: ENV_OPEN with broken strings");
        environment->strings = malloc(length);
        environment->lists = calloc(n_lists + 1, sizeof(*environment->lists));
        if (!environment->strings || !environment->lists)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        memcpy(environment->strings, bytes, length);
        end = environment->strings + length;
        at = environment->strings + strlen(environment->strings) + 1;
        for (; n < n_lists && at < end; at += strlen(at) + 1)
                environment->lists[n++] = at;
        if (n != n_lists || at != end)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: ENV_OPEN with too few strings");
        environment->order = (ZygoteOrder){
                .python = environment->strings,
                .preloads = environment->lists,
                .n_preloads = open->n_preloads,
                .paths = environment->lists + open->n_preloads,
                .n_paths = open->n_paths,
                .flags = open->flags,
                .without = environment->agent->without,
        };
        return 0;
}

static void environment_free_unused(Link *list) {
        list_for_each(link, list) {
                Worker *worker = container_of(link, Worker, in_turn);

                if (!worker->run)
                        (void)worker_free(worker);
        }
}

static void environment_stop_zygote(Environment *environment) {
        loop_remove(&environment->control_source);
        loop_remove(&environment->words_source);
        zygote_process_kill(&environment->zygote);
        environment->state = ENVIRONMENT_COLD;
        environment->deadline_ns = UINT64_MAX;
        /* its workers die with it, and what they left is swept by the agent */
        environment_free_unused(&environment->waiting);
        environment_free_unused(&environment->workers);
}

static const Failure environment_closed = {
        .stage = FAILURE_STAGE_ENVIRONMENT,
        .code = ECANCELED,
        .text = "the environment was closed",
};

/* Each is gone afterwards. */
static void environment_fail_workers(Link *list, const Failure *why) {
        list_for_each(link, list) worker_fail(container_of(link, Worker, in_turn), why);
}

Environment *environment_free(Environment *environment) {
        if (!environment)
                return NULL;
        environment_stop_zygote(environment);
        environment_fail_workers(&environment->waiting, &environment_closed);
        environment_fail_workers(&environment->workers, &environment_closed);
        list_remove(&environment->link);
        free(environment->strings);
        free(environment->lists);
        free(environment);
        return NULL;
}

DEFINE_CLEANUP(Environment *, environment_free)

/* the zygote's words */

/* Returns whether there may be more. */
static bool environment_read_words(Environment *environment) {
        size_t room = sizeof(environment->words) - environment->n_words;
        ssize_t n;

        if (room < sizeof(environment->words) / 2) { /* the last words matter */
                size_t half = sizeof(environment->words) / 2;

                memmove(environment->words, environment->words + environment->n_words - half, half);
                environment->n_words = half;
                room = sizeof(environment->words) - half;
        }
        n = fd_read(environment->zygote.words_fd, environment->words + environment->n_words, room);
        if (n > 0)
                environment->n_words += (size_t)n;
        else if (n != -EAGAIN)
                loop_remove(&environment->words_source);
        return n > 0;
}

static void environment_words_ready(LoopSource *source, uint32_t events _unused_) {
        (void)environment_read_words(container_of(source, Environment, words_source));
}

/* The last line the zygote said, as a NUL-terminated string. */
static void environment_last_words(Environment *environment, char *text, size_t size) {
        size_t end, start;

        for (unsigned int i = 0; environment->words_source.loop && i < WORDS_READS_MAX; ++i)
                if (!environment_read_words(environment))
                        break;
        end = environment->n_words;
        while (end > 0 &&
               (environment->words[end - 1] == '\n' || environment->words[end - 1] == ' '))
                --end;
        start = end;
        while (start > 0 && environment->words[start - 1] != '\n')
                --start;
        (void)snprintf(text, size, "%.*s", (int)(end - start), environment->words + start);
}

/* failure */

static int environment_start_zygote(Environment *environment, Failure *failure);

/* Tells the host once what became of ENV_OPEN. */
static void environment_announce_failure(Environment *environment, const Failure *why) {
        if (environment->announced)
                return;
        environment->announced = true;
        link_send_failure(&environment->agent->link, environment->id, why);
}

void environment_break(Environment *environment, const Failure *why) {
        bool was_ready = environment->state == ENVIRONMENT_READY;
        Failure failure = FAILURE_NULL;

        environment_stop_zygote(environment);
        environment_announce_failure(environment, why);
        environment_fail_workers(&environment->workers, why);
        if (list_is_empty(&environment->waiting))
                return;
        /* a zygote that served deserves a successor; one that never started does not */
        if (was_ready && !environment_start_zygote(environment, &failure))
                return;
        environment_stop_zygote(environment);
        environment_fail_workers(&environment->waiting, was_ready ? &failure : why);
}

/* Why a zygote that said nothing itself has ended. */
static void environment_explain_end(Environment *environment, int status, Failure *failure) {
        const char *python = environment->strings;
        char words[256], how[64];

        if (environment->state == ENVIRONMENT_READY) {
                (void)failure_lit(failure, FAILURE_STAGE_ZYGOTE, ECONNRESET,
                                  "the zygote died while the run was in progress");
                return;
        }
        if (WIFSIGNALED(status))
                (void)snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(status));
        else
                (void)snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
        environment_last_words(environment, words, sizeof(words));
        (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOEXEC,
                          "'%s' is no usable Python interpreter: it %s before it was ready%s%s",
                          python, how, words[0] ? ": " : "", words);
        failure_sanitise(failure);
}

bool environment_child_ended(Environment *environment, pid_t pid, int status) {
        Failure failure = FAILURE_NULL;

        if (environment->zygote.pid != pid)
                return false;
        environment->zygote.pid = -1; /* reaped: never to be signalled again */
        environment_read_control(environment);
        if (environment->state == ENVIRONMENT_COLD)
                return true;
        environment_explain_end(environment, status, &failure);
        environment_break(environment, &failure);
        return true;
}

const Failure environment_silent = {
        .stage = FAILURE_STAGE_ZYGOTE,
        .code = ETIMEDOUT,
        .text = "the zygote did not report the end of a run",
};

uint64_t environment_check_deadline(Environment *environment, uint64_t now_ns) {
        Failure failure = FAILURE_NULL;

        if (now_ns < environment->deadline_ns)
                return environment->deadline_ns;
        (void)failure_set(&failure, FAILURE_STAGE_ENVIRONMENT, ETIMEDOUT,
                          "'%s' was not ready within %.12g s: is it a Python interpreter?",
                          environment->strings, (double)environment->startup_timeout_ns / 1e9);
        environment_break(environment, &failure);
        return UINT64_MAX;
}

/* the control socket */

static void environment_ready(Environment *environment, const Packet *packet) {
        EnvReadyFrame *ready;
        ZygoteReadyFrame zygote;
        uint8_t payload[PACKET_PAYLOAD_MAX + sizeof(*ready)];
        size_t n_strings = packet->header.length - sizeof(zygote);

        memcpy(&zygote, packet->payload, sizeof(zygote));
        environment->layers = zygote.layers;
        environment->state = ENVIRONMENT_READY;
        environment->deadline_ns = UINT64_MAX;
        if (!environment->announced) {
                EnvReadyFrame frame = {
                        .layers = zygote.layers,
                        .hexversion = zygote.hexversion,
                        .zygote_pid = (uint32_t)environment->zygote.pid,
                };

                memcpy(payload, &frame, sizeof(frame));
                memcpy(payload + sizeof(frame), packet->payload + sizeof(zygote), n_strings);
                (void)link_send(
                        &environment->agent->link,
                        frame_header(FRAME_ENV_READY, environment->id, sizeof(frame) + n_strings),
                        payload);
                environment->announced = true;
        }
        environment_pump(environment);
}

static Worker *environment_find_worker(Environment *environment, uint64_t id) {
        Worker *worker = agent_find_worker(environment->agent, id);

        return worker && worker->environment == environment ? worker : NULL;
}

static void environment_zygote_failed(Environment *environment, const Packet *packet) {
        Failure failure;
        Worker *worker;

        memcpy(&failure, packet->payload, sizeof(failure));
        failure_sanitise(&failure);
        worker = environment_find_worker(environment, packet->header.stream);
        if (packet->header.stream == 0)
                environment_break(environment, &failure);
        else if (worker)
                worker_fail(worker, &failure);
}

/* @fd is taken; -1 if none came. */
static void environment_handle_packet(Environment *environment, const Packet *packet, int fd) {
        Worker *worker = environment_find_worker(environment, packet->header.stream);
        ZygoteSpawnedFrame spawned;
        ZygoteExitedFrame exited;

        switch (packet->header.type) {
        case FRAME_ZYGOTE_READY:
                environment_ready(environment, packet);
                break;
        case FRAME_ZYGOTE_SPAWNED:
                memcpy(&spawned, packet->payload, sizeof(spawned));
                if (worker && fd >= 0)
                        worker_spawned(worker, spawned.pid, take_fd(&fd));
                break;
        case FRAME_ZYGOTE_EXITED:
                memcpy(&exited, packet->payload, sizeof(exited));
                if (worker)
                        worker_exited(worker, &exited);
                break;
        default:
                environment_zygote_failed(environment, packet);
        }
        (void)fd_close(fd);
}

void environment_read_control(Environment *environment) {
        Failure failure = FAILURE_NULL;
        Packet packet;
        int r = 1;

        while (r > 0 && environment->state != ENVIRONMENT_COLD) {
                WireState state =
                        environment->state == ENVIRONMENT_READY ? WIRE_OPEN : WIRE_GREETING;
                size_t n_fds = 1;
                int fd = -1;

                r = packet_receive(environment->zygote.control_fd, &packet, SENDER_ZYGOTE, state,
                                   &fd, &n_fds, &failure);
                if (r > 0)
                        environment_handle_packet(environment, &packet, n_fds ? fd : -1);
        }
        if (r == 0) /* it has ended, or will: its status comes with SIGCHLD */
                loop_remove(&environment->control_source);
        if (r >= 0 || r == -EAGAIN)
                return;
        if (r != -EPROTO)
                (void)failure_errno(&failure, FAILURE_STAGE_ZYGOTE, -r, "cannot hear the zygote");
        environment_break(environment, &failure);
}

static void environment_control_ready(LoopSource *source, uint32_t events) {
        Environment *environment = container_of(source, Environment, control_source);

        environment_read_control(environment);
        if ((events & EPOLLOUT) && environment->state == ENVIRONMENT_READY)
                environment_pump(environment);
}

/* runs */

static int environment_start_zygote(Environment *environment, Failure *failure) {
        Loop *loop = &environment->agent->loop;
        int r;

        environment->n_words = 0;
        r = zygote_process_start(&environment->zygote, &environment->order, failure);
        if (r)
                return r;
        agent_try_layers(environment->agent); /* while the interpreter starts */
        environment->state = ENVIRONMENT_STARTING;
        environment->deadline_ns = clock_after_ns(clock_now_ns(), environment->startup_timeout_ns);
        r = loop_add(loop, &environment->control_source, environment->zygote.control_fd, EPOLLIN,
                     environment_control_ready, failure);
        if (r)
                return r;
        return loop_add(loop, &environment->words_source, environment->zygote.words_fd, EPOLLIN,
                        environment_words_ready, failure);
}

void environment_pump(Environment *environment) {
        bool full = false;

        list_for_each(link, &environment->waiting) {
                Worker *worker = container_of(link, Worker, in_turn);
                Failure failure = FAILURE_NULL;
                int r;

                r = worker_hand_over(worker, &failure);
                full = r == -EAGAIN;
                if (r == -EAGAIN || r == -EPIPE)
                        break; /* a zygote that is gone shows by its end */
                if (r) {
                        worker_fail(worker, &failure);
                        continue;
                }
                list_remove(link);
                list_append(&environment->workers, link);
        }
        loop_set(&environment->control_source, EPOLLIN | (full ? EPOLLOUT : 0u));
}

/* standbys */

static bool worker_is_standby(const Worker *worker) {
        return !worker->run && worker->state < WORKER_BUSY;
}

/* Whether one may be made now. Those of another mold go: what was wanted last is wanted next. */
static bool environment_has_place(Environment *environment, bool beside_runs) {
        unsigned int n = 0;

        list_for_each(link, &environment->workers) {
                Worker *worker = container_of(link, Worker, in_turn);

                if (worker->run && !beside_runs)
                        return false;
                if (!worker_is_standby(worker))
                        continue;
                if (mold_equal(&worker->mold, &environment->mold))
                        ++n;
                else
                        worker_end(worker);
        }
        return n < ENVIRONMENT_STANDBYS;
}

void environment_refill(Environment *environment, bool beside_runs) {
        Failure failure = FAILURE_NULL;
        Worker *worker;

        if (!environment->wants_standbys ||
            environment->n_lost_standbys >= ENVIRONMENT_STANDBYS_LOST ||
            environment->state != ENVIRONMENT_READY || !list_is_empty(&environment->waiting) ||
            !environment_has_place(environment, beside_runs))
                return;
        if (worker_new(&worker, environment, &environment->mold, &failure))
                return; /* whoever needs one will be told why */
        environment_pump(environment);
}

void environment_standby_failed(Environment *environment) {
        ++environment->n_lost_standbys;
}

static Worker *environment_find_standby(Environment *environment, const Mold *mold) {
        Worker *starting = NULL;

        list_for_each(link, &environment->workers) {
                Worker *worker = container_of(link, Worker, in_turn);

                if (!worker_is_standby(worker) || !mold_equal(&worker->mold, mold))
                        continue;
                if (worker->state == WORKER_IDLE)
                        return worker;
                if (!starting)
                        starting = worker;
        }
        return starting;
}

/* A code that is run once needs no standby; one that is run again, or its like, does. */
static void environment_learn_mold(Environment *environment, const Mold *mold) {
        environment->wants_standbys = mold_equal(&environment->mold, mold);
        environment->n_lost_standbys = 0;
        environment->mold = *mold;
}

void environment_add_run(Environment *environment, Run *run) {
        Failure failure = FAILURE_NULL;
        Mold mold = mold_of(&run->submit);
        Worker *worker;

        environment_learn_mold(environment, &mold);
        agent_try_layers(environment->agent); /* what could not be tried before */
        worker = environment_find_standby(environment, &mold);
        if (!worker && worker_new(&worker, environment, &mold, &failure)) {
                run_fail(run, &failure);
                return;
        }
        run_attach(run, worker);
        if (environment->state == ENVIRONMENT_COLD &&
            environment_start_zygote(environment, &failure)) {
                environment_break(environment, &failure);
                return;
        }
        if (environment->state == ENVIRONMENT_READY)
                environment_pump(environment);
}

int environment_new(Environment **environmentp,
                    Agent *agent,
                    const FrameHeader *header,
                    const uint8_t *payload,
                    Failure *failure) {
        _cleanup_(environment_freep) Environment *environment = NULL;
        Failure why = FAILURE_NULL;
        EnvOpenFrame open;
        int r;

        memcpy(&open, payload, sizeof(open));
        environment = calloc(1, sizeof(*environment));
        if (!environment)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        environment->agent = agent;
        environment->id = header->stream;
        environment->startup_timeout_ns = open.startup_timeout_ns;
        environment->deadline_ns = UINT64_MAX;
        environment->zygote = ZYGOTE_PROCESS_NULL;
        list_init(&environment->waiting);
        list_init(&environment->workers);
        list_append(&agent->environments, &environment->link);
        r = environment_take_strings(environment, payload + sizeof(open),
                                     header->length - sizeof(open), &open, failure);
        if (r)
                return r;
        if (environment_start_zygote(environment, &why))
                environment_break(environment, &why);
        *environmentp = take_ptr(&environment);
        return 0;
}
