/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/environment.h"
#include "agent/pool.h"
#include "agent/run.h"
#include "agent/worker.h"
#include "base/clock.h"
#include "wire/messages.h"
#include "wire/packet.h"

#define ENVIRONMENT_LISTS_MAX 1024 /* preloads and paths */

/* birth and death */

/* Splits NUL-terminated strings: the interpreter, the preloads, the paths. */
static int environment_take_strings(Environment *environment,
                                    const uint8_t *bytes,
                                    size_t length,
                                    const EnvOpenFrame *open,
                                    Failure *failure) {
        size_t n_lists = (size_t)open->n_preloads + open->n_paths, n = 0;
        const char *at, *end;

        if (open->flags & ~(uint32_t)ENV_FLAGS)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: ENV_OPEN with unknown flags");
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
        if (!environment->strings[0] && !environment->agent->python)
                return failure_lit(failure, FAILURE_STAGE_AGENT, EPROTO,
                                   "protocol error: ENV_OPEN without an interpreter");
        environment->order = (ZygoteOrder){
                .python =
                        environment->strings[0] ? environment->strings : environment->agent->python,
                .preloads = environment->lists,
                .n_preloads = open->n_preloads,
                .paths = environment->lists + open->n_preloads,
                .n_paths = open->n_paths,
                .flags = open->flags,
                .without = environment->agent->without,
        };
        return 0;
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
        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);

                environment_fail_workers(&zygote->workers, &environment_closed);
                (void)zygote_free(zygote);
        }
        environment_fail_workers(&environment->waiting, &environment_closed);
        list_for_each(link, &environment->pools)(void) pool_free(container_of(link, Pool, link));
        list_remove(&environment->link);
        free(environment->strings);
        free(environment->lists);
        free(environment);
        return NULL;
}

DEFINE_CLEANUP(Environment *, environment_free)

/* zygotes */

static uint32_t environment_count_zygotes(const Environment *environment, ZygoteState state) {
        uint32_t n = 0;

        list_for_each(link, &environment->zygotes) n +=
                container_of(link, Zygote, link)->state == state;
        return n;
}

size_t environment_list_zygotes(const Environment *environment, pid_t *pids, size_t n_max) {
        size_t n = 0;

        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);

                if (zygote->process.pid > 0 && n < n_max)
                        pids[n++] = zygote->process.pid;
        }
        return n;
}

static int environment_start_zygote(Environment *environment, Failure *failure) {
        const char *optional[IMPORTS_MAX];
        Zygote *zygote;
        int r;

        environment->order.optional = optional;
        environment->order.n_optional =
                imports_try(&environment->imports, optional, ARRAY_SIZE(optional));
        r = zygote_new(&zygote, environment, failure);
        if (!r)
                zygote->learned = environment->order.n_optional > 0;
        environment->order.optional = NULL;
        environment->order.n_optional = 0;
        if (r)
                return r;
        agent_try_layers(environment->agent); /* while the interpreter starts */
        return 0;
}

/* Tells the host once what became of ENV_OPEN. */
static void environment_announce_failure(Environment *environment, const Failure *why) {
        if (environment->announced)
                return;
        environment->announced = true;
        link_send_failure(&environment->agent->link, environment->id, why);
}

static void
environment_announce_ready(Environment *environment, const Zygote *zygote, const Packet *packet) {
        ZygoteReadyFrame ready;
        EnvReadyFrame frame;
        uint8_t payload[PACKET_PAYLOAD_MAX + sizeof(frame)];
        size_t n_strings = packet->header.length - sizeof(ready);

        if (environment->announced)
                return;
        environment->announced = true;
        memcpy(&ready, packet->payload, sizeof(ready));
        frame = (EnvReadyFrame){
                .layers = ready.layers,
                .hexversion = ready.hexversion,
                .zygote_pid = (uint32_t)zygote->process.pid,
        };
        memcpy(payload, &frame, sizeof(frame));
        memcpy(payload + sizeof(frame), packet->payload + sizeof(ready), n_strings);
        (void)link_send(&environment->agent->link,
                        frame_header(FRAME_ENV_READY, environment->id, sizeof(frame) + n_strings),
                        payload);
}

static bool zygote_goes_before(const Zygote *a, const Zygote *b, uint64_t now_ns) {
        bool a_is_worn = zygote_is_worn(a, now_ns), b_is_worn = zygote_is_worn(b, now_ns);

        return a_is_worn != b_is_worn ? a_is_worn : a->n_forks > b->n_forks;
}

/* Worn ones make place first, then those that have forked most. */
static void environment_retire_surplus(Environment *environment) {
        uint32_t n = environment_count_zygotes(environment, ZYGOTE_SERVING);
        uint64_t now_ns = clock_now_ns();

        for (; n > environment->n_zygotes_wanted; --n) {
                Zygote *worn = NULL;

                list_for_each(link, &environment->zygotes) {
                        Zygote *zygote = container_of(link, Zygote, link);

                        if (zygote->state == ZYGOTE_SERVING &&
                            (!worn || zygote_goes_before(zygote, worn, now_ns)))
                                worn = zygote;
                }
                if (!worn)
                        return;
                worn->state = ZYGOTE_RETIRED;
        }
}

/* Returns false where runs waiting for it would be deceived, or a fork of it could hang. */
static bool
environment_accepts(Environment *environment, const ZygoteReadyFrame *ready, Failure *failure) {
        if (ready->n_threads != 1)
                return !failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EBUSY,
                                    "the environment has %u threads when it is ready to fork",
                                    ready->n_threads);
        if (environment->announced && ready->layers != environment->layers)
                return !failure_lit(failure, FAILURE_STAGE_SANDBOX, EPERM,
                                    "a new zygote does not reach the layers of the first one");
        return true;
}

bool environment_zygote_ready(Environment *environment, Zygote *zygote, const Packet *packet) {
        Failure failure = FAILURE_NULL;
        ZygoteReadyFrame ready;

        memcpy(&ready, packet->payload, sizeof(ready));
        if (!environment_accepts(environment, &ready, &failure)) {
                environment_zygote_lost(environment, zygote, &failure);
                return false;
        }
        environment->layers = ready.layers;
        zygote->state = ZYGOTE_SERVING;
        zygote->deadline_ns = UINT64_MAX;
        zygote->old_ns = clock_now_ns() + ZYGOTE_AGE_NS;
        imports_settle(&environment->imports, IMPORT_TRIED, IMPORT_WARM);
        environment_announce_ready(environment, zygote, packet);
        environment_retire_surplus(environment);
        environment_pump(environment);
        return true;
}

/* Who waits is served by somebody, or told why not. */
static void environment_need_zygote(Environment *environment) {
        Failure failure = FAILURE_NULL;

        if (list_is_empty(&environment->waiting) ||
            environment_count_zygotes(environment, ZYGOTE_SERVING) > 0 ||
            environment_count_zygotes(environment, ZYGOTE_STARTING) > 0)
                return;
        if (environment_start_zygote(environment, &failure) == 0)
                return;
        environment_announce_failure(environment, &failure);
        environment_fail_workers(&environment->waiting, &failure);
}

void environment_zygote_lost(Environment *environment, Zygote *zygote, const Failure *why) {
        bool served = zygote->state != ZYGOTE_STARTING, learned = zygote->learned;

        environment_fail_workers(&zygote->workers, why);
        (void)zygote_free(zygote);
        if (!served && learned) { /* without what it was to import it may start */
                imports_settle(&environment->imports, IMPORT_TRIED, IMPORT_REFUSED);
                imports_settle(&environment->imports, IMPORT_WARM, IMPORT_REFUSED);
        } else if (!served) {
                environment_announce_failure(environment, why);
                environment->retry_ns = clock_now_ns() + ENVIRONMENT_RETRY_NS;
        }
        if (environment_count_zygotes(environment, ZYGOTE_SERVING) > 0 ||
            environment_count_zygotes(environment, ZYGOTE_STARTING) > 0)
                return;
        /* one that served deserves a successor; one that never started does not */
        if (served || learned)
                environment_need_zygote(environment);
        else
                environment_fail_workers(&environment->waiting, why);
}

bool environment_child_ended(Environment *environment, pid_t pid, int status) {
        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);
                Failure failure = FAILURE_NULL;

                if (zygote->process.pid != pid)
                        continue;
                zygote->process.pid = -1; /* reaped: never to be signalled again */
                if (!zygote_read_control(zygote))
                        return true;
                zygote_explain_end(zygote, status, &failure);
                environment_zygote_lost(environment, zygote, &failure);
                return true;
        }
        return false;
}

const Failure environment_silent = {
        .stage = FAILURE_STAGE_ZYGOTE,
        .code = ETIMEDOUT,
        .text = "the zygote did not report the end of a run",
};

bool environment_check_deadlines(Environment *environment, uint64_t now_ns) {
        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);
                Failure failure = FAILURE_NULL;

                if (now_ns < zygote->deadline_ns) {
                        agent_wake_by(environment->agent, zygote->deadline_ns);
                        continue;
                }
                (void)failure_set(&failure, FAILURE_STAGE_ENVIRONMENT, ETIMEDOUT,
                                  "'%s' was not ready within %.12g s: is it a Python interpreter?",
                                  environment->order.python,
                                  (double)environment->startup_timeout_ns / 1e9);
                environment_zygote_lost(environment, zygote, &failure);
                return true;
        }
        return false;
}

/* workers */

/* The one with the least to do. */
static Zygote *environment_choose_zygote(Environment *environment) {
        Zygote *best = NULL;

        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);

                if (zygote->state == ZYGOTE_SERVING && !zygote->full &&
                    (!best || zygote->n_starting < best->n_starting))
                        best = zygote;
        }
        return best;
}

void environment_pump(Environment *environment) {
        list_for_each(link, &environment->waiting) {
                Worker *worker = container_of(link, Worker, in_turn);
                Zygote *zygote = environment_choose_zygote(environment);
                Failure failure = FAILURE_NULL;
                int r;

                if (!zygote)
                        return;
                r = worker_hand_over(worker, zygote, &failure);
                if (r == -EAGAIN)
                        zygote->full = true;
                if (r == -EAGAIN || r == -EPIPE) { /* one that is gone shows by its end */
                        loop_set(&zygote->control_source, EPOLLIN | (zygote->full ? EPOLLOUT : 0u));
                        return;
                }
                if (r) {
                        worker_fail(worker, &failure);
                        continue;
                }
                list_remove(link);
                list_append(&zygote->workers, link);
        }
}

void environment_add_run(Environment *environment, Run *run) {
        uint64_t now_ns = clock_now_ns();
        Mold mold = mold_of(&run->submit);
        Failure failure = FAILURE_NULL;
        Worker *worker = NULL;
        Pool *pool;

        agent_try_layers(environment->agent); /* what could not be tried before */
        pool = pool_get(environment, &mold);
        if (!pool)
                (void)failure_lit(&failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        else
                worker = pool_take(pool, now_ns);
        if (!worker && environment->agent->n_workers >= environment->agent->max_runs)
                pools_spare_one(environment);
        if (!pool || (!worker && worker_new(&worker, environment, pool, &failure))) {
                run_fail(run, &failure);
                return;
        }
        run_attach(run, worker);
        environment_need_zygote(environment);
        environment_pump(environment);
}

void environment_learn(Environment *environment, const uint8_t *names, size_t length) {
        imports_learn(&environment->imports, names, length);
}

/* when there is time */

bool environment_has_time(const Environment *environment) {
        return environment->n_awaited == 0 && list_is_empty(&environment->waiting) &&
               environment_count_zygotes(environment, ZYGOTE_SERVING) > 0;
}

/* Zygotes follow the load, slowly; returns when to look again, even if nothing happens. */
static uint64_t environment_weigh(Environment *environment, uint64_t now_ns) {
        if (environment->n_awaited < ENVIRONMENT_PRESSED ||
            environment_count_zygotes(environment, ZYGOTE_SERVING) <
                    environment->n_zygotes_wanted) {
                environment->pressed_ns = now_ns;
                if (environment->n_zygotes_wanted == 1)
                        return UINT64_MAX;
                if (now_ns < environment->waited_ns + ENVIRONMENT_EASED_NS)
                        return environment->waited_ns + ENVIRONMENT_EASED_NS;
                environment->n_zygotes_wanted = 1;
                environment_retire_surplus(environment);
                return UINT64_MAX;
        }
        environment->waited_ns = now_ns;
        if (now_ns - environment->pressed_ns < ENVIRONMENT_PRESSED_NS)
                return UINT64_MAX; /* workers on their way are events enough */
        environment->pressed_ns = now_ns;
        if (environment->n_zygotes_wanted < environment->agent->n_zygotes_max)
                ++environment->n_zygotes_wanted;
        return UINT64_MAX;
}

/* Starts one zygote where there is a reason for one: there are too few, one is worn (it serves
 * until its successor is ready), or they do not know what to preload. */
static void environment_renew(Environment *environment, uint64_t now_ns) {
        Failure failure = FAILURE_NULL;
        bool wanted = environment_count_zygotes(environment, ZYGOTE_SERVING) > 0 &&
                      environment_count_zygotes(environment, ZYGOTE_SERVING) <
                              environment->n_zygotes_wanted;

        if (now_ns < environment->retry_ns ||
            environment_count_zygotes(environment, ZYGOTE_STARTING) > 0)
                return;
        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);

                wanted |= zygote->state == ZYGOTE_SERVING && zygote_is_worn(zygote, now_ns);
        }
        if (imports_have_news(&environment->imports) && now_ns >= environment->learned_ns) {
                environment->learned_ns = now_ns + ENVIRONMENT_LEARN_NS;
                wanted = true;
        }
        if (wanted && environment_start_zygote(environment, &failure))
                environment->retry_ns = now_ns + ENVIRONMENT_RETRY_NS;
}

uint64_t environment_tend(Environment *environment, uint64_t now_ns) {
        uint64_t next_ns;

        environment_pump(environment);
        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);

                if (zygote->state == ZYGOTE_RETIRED && list_is_empty(&zygote->workers))
                        (void)zygote_free(zygote);
        }
        environment_need_zygote(environment);
        next_ns = environment_weigh(environment, now_ns);
        environment_renew(environment, now_ns);
        list_for_each(link, &environment->pools) {
                Pool *pool = container_of(link, Pool, link);

                next_ns = min_u64(next_ns, pool_tend(pool, now_ns));
        }
        return next_ns;
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
        environment->n_standbys = open.n_standbys == ENV_STANDBYS_ADAPTIVE
                                          ? open.n_standbys
                                          : (uint32_t)min_u64(open.n_standbys, ENV_STANDBYS_MAX);
        environment->n_zygotes_wanted = 1;
        list_init(&environment->zygotes);
        list_init(&environment->waiting);
        list_init(&environment->pools);
        list_append(&agent->environments, &environment->link);
        r = environment_take_strings(environment, payload + sizeof(open),
                                     header->length - sizeof(open), &open, failure);
        if (r)
                return r;
        if (environment_start_zygote(environment, &why))
                environment_announce_failure(environment, &why);
        *environmentp = take_ptr(&environment);
        return 0;
}
