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
#include "base/clock.h"
#include "base/fd.h"
#include "wire/messages.h"
#include "wire/packet.h"

#define ENVIRONMENT_PRELOADS_MAX 256
#define WORDS_READS_MAX          128 /* more than a pipe holds */

/* birth and death */

/* Splits NUL-terminated strings: the interpreter, then the preloads. */
static int environment_take_strings(Environment *environment,
                                    const uint8_t *bytes,
                                    size_t length,
                                    size_t n_preloads,
                                    Failure *failure) {
        const char *at, *end;

        if (length == 0 || bytes[length - 1] != '\0' || n_preloads > ENVIRONMENT_PRELOADS_MAX)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: ENV_OPEN with broken strings");
        environment->strings = malloc(length);
        environment->preloads = calloc(n_preloads + 1, sizeof(*environment->preloads));
        if (!environment->strings || !environment->preloads)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        memcpy(environment->strings, bytes, length);
        end = environment->strings + length;
        at = environment->strings + strlen(environment->strings) + 1;
        while (environment->n_preloads < n_preloads && at < end) {
                environment->preloads[environment->n_preloads++] = at;
                at += strlen(at) + 1;
        }
        if (environment->n_preloads != n_preloads || at != end)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: ENV_OPEN with too few strings");
        return 0;
}

void environment_park(Environment *environment, Lease *lease, uint64_t deadline_ns) {
        lease->deadline_ns = deadline_ns;
        list_append(&environment->parked, &lease->parked);
}

/* Whether @run_id is a run that was delivered before its worker's end; its lease is given back. */
static bool environment_unpark(Environment *environment, uint64_t run_id) {
        list_for_each(link, &environment->parked) {
                Lease *lease = container_of(link, Lease, parked);

                if (lease->run_id == run_id) {
                        (void)lease_free(lease);
                        return true;
                }
        }
        return false;
}

/* The zygote's workers die with it, and what they left is swept by the agent. */
static void environment_unpark_all(Environment *environment) {
        list_for_each(link, &environment->parked) {
                (void)lease_free(container_of(link, Lease, parked));
        }
}

static void environment_stop_zygote(Environment *environment) {
        loop_remove(&environment->control_source);
        loop_remove(&environment->words_source);
        zygote_process_kill(&environment->zygote);
        environment->state = ENVIRONMENT_COLD;
        environment->deadline_ns = UINT64_MAX;
        environment_unpark_all(environment);
}

static const Failure environment_closed = {
        .stage = FAILURE_STAGE_ENVIRONMENT,
        .code = ECANCELED,
        .text = "the environment was closed",
};

Environment *environment_free(Environment *environment) {
        if (!environment)
                return NULL;
        environment_stop_zygote(environment);
        list_for_each(link, &environment->waiting)
                run_fail(container_of(link, Run, in_turn), &environment_closed);
        list_for_each(link, &environment->running)
                run_fail(container_of(link, Run, in_turn), &environment_closed);
        list_remove(&environment->link);
        free(environment->strings);
        free(environment->preloads);
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
        list_for_each(link, &environment->running)
                run_zygote_lost(container_of(link, Run, in_turn), why);
        if (list_is_empty(&environment->waiting))
                return;
        /* a zygote that served deserves a successor; one that never started does not */
        if (was_ready && !environment_start_zygote(environment, &failure))
                return;
        environment_stop_zygote(environment);
        list_for_each(link, &environment->waiting)
                run_zygote_lost(container_of(link, Run, in_turn), was_ready ? &failure : why);
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

/* The first lease was parked first, and all wait equally long. */
static uint64_t environment_parked_until(const Environment *environment) {
        return list_is_empty(&environment->parked)
                       ? UINT64_MAX
                       : container_of(environment->parked.next, Lease, parked)->deadline_ns;
}

uint64_t environment_check_deadline(Environment *environment, uint64_t now_ns) {
        uint64_t parked_ns = environment_parked_until(environment);
        Failure failure = FAILURE_NULL;

        if (now_ns >= parked_ns) {
                environment_break(environment, &environment_silent);
                return UINT64_MAX;
        }
        if (now_ns < environment->deadline_ns)
                return environment->deadline_ns < parked_ns ? environment->deadline_ns : parked_ns;
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

static void environment_zygote_failed(Environment *environment, const Packet *packet) {
        Failure failure;
        Run *run;

        memcpy(&failure, packet->payload, sizeof(failure));
        failure_sanitise(&failure);
        run = agent_find_run(environment->agent, packet->header.stream);
        if (packet->header.stream == 0)
                environment_break(environment, &failure);
        else if (run && run->environment == environment)
                run_zygote_lost(run, &failure); /* one that was cancelled meanwhile still is */
}

/* @fd is taken; -1 if none came. */
static void environment_handle_packet(Environment *environment, const Packet *packet, int fd) {
        ZygoteSpawnedFrame spawned;
        ZygoteExitedFrame exited;
        Run *run;

        run = agent_find_run(environment->agent, packet->header.stream);
        if (run && run->environment != environment)
                run = NULL;
        switch (packet->header.type) {
        case FRAME_ZYGOTE_READY:
                environment_ready(environment, packet);
                break;
        case FRAME_ZYGOTE_SPAWNED:
                memcpy(&spawned, packet->payload, sizeof(spawned));
                if (run && fd >= 0)
                        run_worker_spawned(run, spawned.pid, take_fd(&fd));
                break;
        case FRAME_ZYGOTE_EXITED:
                memcpy(&exited, packet->payload, sizeof(exited));
                if (!environment_unpark(environment, packet->header.stream) && run)
                        run_worker_exited(run, &exited);
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
        r = zygote_process_start(&environment->zygote, environment->strings, environment->preloads,
                                 environment->n_preloads, failure);
        if (r)
                return r;
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
                Run *run = container_of(link, Run, in_turn);
                int r;

                list_remove(link);
                list_append(&environment->running, link);
                r = run_hand_over(run);
                if (r == -EAGAIN || r == -EPIPE) {
                        list_remove(link);
                        list_prepend(&environment->waiting, link);
                        full = r == -EAGAIN;
                        break; /* a zygote that is gone shows by its end */
                }
        }
        loop_set(&environment->control_source, EPOLLIN | (full ? EPOLLOUT : 0u));
}

void environment_add_run(Environment *environment, Run *run) {
        Failure failure = FAILURE_NULL;

        run->environment = environment;
        list_append(&environment->waiting, &run->in_turn);
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
        list_init(&environment->running);
        list_init(&environment->parked);
        list_append(&agent->environments, &environment->link);
        r = environment_take_strings(environment, payload + sizeof(open),
                                     header->length - sizeof(open), open.n_preloads, failure);
        if (r)
                return r;
        if (environment_start_zygote(environment, &why))
                environment_break(environment, &why);
        *environmentp = take_ptr(&environment);
        return 0;
}
