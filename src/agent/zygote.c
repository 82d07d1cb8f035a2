/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/environment.h"
#include "agent/worker.h"
#include "agent/zygote.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "wire/messages.h"
#include "wire/packet.h"

#define WORDS_READS_MAX 128 /* more than a pipe holds */

/* its words */

/* Returns whether there may be more. */
static bool zygote_read_words(Zygote *zygote) {
        size_t room = sizeof(zygote->words) - zygote->n_words;
        ssize_t n;

        if (room < sizeof(zygote->words) / 2) { /* the last words matter */
                size_t half = sizeof(zygote->words) / 2;

                memmove(zygote->words, zygote->words + zygote->n_words - half, half);
                zygote->n_words = half;
                room = sizeof(zygote->words) - half;
        }
        n = fd_read(zygote->process.words_fd, zygote->words + zygote->n_words, room);
        if (n > 0)
                zygote->n_words += (size_t)n;
        else if (n != -EAGAIN)
                loop_remove(&zygote->words_source);
        return n > 0;
}

static void zygote_words_ready(LoopSource *source, uint32_t events _unused_) {
        (void)zygote_read_words(container_of(source, Zygote, words_source));
}

/* The last line it said, as a NUL-terminated string. */
static void zygote_last_words(Zygote *zygote, char *text, size_t size) {
        size_t end, start;

        for (unsigned int i = 0; zygote->words_source.loop && i < WORDS_READS_MAX; ++i)
                if (!zygote_read_words(zygote))
                        break;
        end = zygote->n_words;
        while (end > 0 && (zygote->words[end - 1] == '\n' || zygote->words[end - 1] == ' '))
                --end;
        start = end;
        while (start > 0 && zygote->words[start - 1] != '\n')
                --start;
        (void)snprintf(text, size, "%.*s", (int)(end - start), zygote->words + start);
}

void zygote_explain_end(Zygote *zygote, int status, Failure *failure) {
        char words[256], how[64];

        if (zygote->state != ZYGOTE_STARTING) {
                (void)failure_lit(failure, FAILURE_STAGE_ZYGOTE, ECONNRESET,
                                  "the zygote died while the run was in progress");
                return;
        }
        if (WIFSIGNALED(status))
                (void)snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(status));
        else
                (void)snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
        zygote_last_words(zygote, words, sizeof(words));
        (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOEXEC,
                          "'%s' is no usable Python interpreter: it %s before it was ready%s%s",
                          zygote->environment->order.python, how, words[0] ? ": " : "", words);
        failure_sanitise(failure);
}

/* the control socket */

static Worker *zygote_find_worker(Zygote *zygote, uint64_t id) {
        Worker *worker = agent_find_worker(zygote->environment->agent, id);

        return worker && worker->zygote == zygote ? worker : NULL;
}

/* Returns false when the zygote is gone. */
static bool zygote_failed(Zygote *zygote, const Packet *packet) {
        Worker *worker = zygote_find_worker(zygote, packet->header.stream);
        Failure failure;

        memcpy(&failure, packet->payload, sizeof(failure));
        failure_sanitise(&failure);
        if (packet->header.stream == 0) {
                environment_zygote_lost(zygote->environment, zygote, &failure);
                return false;
        }
        if (worker)
                worker_fail(worker, &failure);
        return true;
}

/* @fd is taken; -1 if none came. Returns false when the zygote is gone. */
static bool zygote_handle_packet(Zygote *zygote, const Packet *packet, int fd) {
        Worker *worker = zygote_find_worker(zygote, packet->header.stream);
        _cleanup_(closep) int pidfd = fd;
        ZygoteSpawnedFrame spawned;
        ZygoteExitedFrame exited;

        switch (packet->header.type) {
        case FRAME_ZYGOTE_READY:
                return environment_zygote_ready(zygote->environment, zygote, packet);
        case FRAME_ZYGOTE_SPAWNED:
                memcpy(&spawned, packet->payload, sizeof(spawned));
                if (worker && pidfd >= 0)
                        worker_spawned(worker, spawned.pid, take_fd(&pidfd));
                return true;
        case FRAME_ZYGOTE_EXITED:
                memcpy(&exited, packet->payload, sizeof(exited));
                if (worker)
                        worker_exited(worker, &exited);
                return true;
        default:
                return zygote_failed(zygote, packet);
        }
}

bool zygote_read_control(Zygote *zygote) {
        Failure failure = FAILURE_NULL;
        Packet packet;
        int r;

        do {
                WireState state = zygote->state == ZYGOTE_STARTING ? WIRE_GREETING : WIRE_OPEN;
                size_t n_fds = 1;
                int fd = -1;

                r = packet_receive(zygote->process.control_fd, &packet, SENDER_ZYGOTE, state, &fd,
                                   &n_fds, &failure);
                if (r > 0 && !zygote_handle_packet(zygote, &packet, n_fds ? fd : -1))
                        return false;
        } while (r > 0);
        if (r == 0) /* it has ended, or will: its status comes with SIGCHLD */
                loop_remove(&zygote->control_source);
        if (r == 0 || r == -EAGAIN)
                return true;
        if (r != -EPROTO)
                (void)failure_errno(&failure, FAILURE_STAGE_ZYGOTE, -r, "cannot hear the zygote");
        environment_zygote_lost(zygote->environment, zygote, &failure);
        return false;
}

/* What did not fit is sent again at the end of this turn of the loop. */
static void zygote_control_ready(LoopSource *source, uint32_t events) {
        Zygote *zygote = container_of(source, Zygote, control_source);

        if (events & EPOLLOUT) {
                zygote->full = false;
                loop_set(source, EPOLLIN);
        }
        (void)zygote_read_control(zygote);
}

/* birth and death */

static int zygote_watch(Zygote *zygote, Failure *failure) {
        Loop *loop = &zygote->environment->agent->loop;
        int r;

        r = loop_add(loop, &zygote->control_source, zygote->process.control_fd, EPOLLIN,
                     zygote_control_ready, failure);
        if (r)
                return r;
        return loop_add(loop, &zygote->words_source, zygote->process.words_fd, EPOLLIN,
                        zygote_words_ready, failure);
}

int zygote_new(Zygote **zygotep, Environment *environment, Failure *failure) {
        Agent *agent = environment->agent;
        Zygote *zygote;
        int r;

        zygote = calloc(1, sizeof(*zygote));
        if (!zygote)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        zygote->environment = environment;
        zygote->process = ZYGOTE_PROCESS_NULL;
        list_init(&zygote->workers);
        list_append(&environment->zygotes, &zygote->link);
        r = zygote_process_start(&zygote->process, &environment->order, failure);
        if (!r)
                r = zygote_watch(zygote, failure);
        if (r) {
                (void)zygote_free(zygote);
                return r;
        }
        zygote->deadline_ns = clock_after_ns(clock_now_ns(), environment->startup_timeout_ns);
        agent_wake_by(agent, zygote->deadline_ns);
        *zygotep = zygote;
        return 0;
}

Zygote *zygote_free(Zygote *zygote) {
        if (!zygote)
                return NULL;
        loop_remove(&zygote->control_source);
        loop_remove(&zygote->words_source);
        zygote_process_kill(&zygote->process);
        list_remove(&zygote->link);
        /* its workers die with it, and what they left is swept by the agent */
        list_for_each(link, &zygote->workers) {
                Worker *worker = container_of(link, Worker, in_turn);

                worker->zygote = NULL;
                (void)worker_free(worker);
        }
        free(zygote);
        return NULL;
}

bool zygote_is_worn(const Zygote *zygote, uint64_t now_ns) {
        return zygote->n_forks >= zygote->environment->agent->n_forks_max ||
               (zygote->n_forks > 0 && now_ns >= zygote->old_ns);
}
