/* SPDX-License-Identifier: MIT */
/*
 * The eventfd is only written for results that arrive outside of spr_engine_dispatch(): after a
 * dispatch the caller pops anyway, so the common case costs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/error.h"
#include "client/exchange.h"
#include "client/loop.h"

/* Only set to an earlier time than before: one that comes too early finds nothing to do, and sets
 * it anew. So a queue in motion costs no system calls. */
static void loop_arm(SprEngine *engine) {
        uint64_t deadline_ns = exchange_deadline_ns(engine);
        struct itimerspec at = {
                .it_value.tv_sec = (time_t)(deadline_ns / NSEC_PER_SEC),
                .it_value.tv_nsec = (long)(deadline_ns % NSEC_PER_SEC),
        };

        if (engine->timer_fd < 0 || deadline_ns >= engine->timer_ns)
                return;
        if (timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
                engine->timer_ns = deadline_ns;
}

static void loop_disarm(SprEngine *engine) {
        uint64_t count;

        if (engine->timer_ns > clock_now_ns())
                return;
        if (fd_read(engine->timer_fd, &count, sizeof(count)) > 0) /* else in a moment */
                engine->timer_ns = UINT64_MAX;
}

void loop_watch(SprEngine *engine) {
        struct epoll_event event = {.events = EPOLLIN};
        bool fresh = engine->watched == 0;
        int operation = fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

        if (engine->epoll_fd < 0 || !engine->connection)
                return;
        loop_arm(engine);
        if (connection_is_pending(engine->connection))
                event.events |= EPOLLOUT;
        if (event.events == engine->watched)
                return;
        /* out of memory at worst; then the next change tries again */
        if (epoll_ctl(engine->epoll_fd, operation, connection_fd(engine->connection), &event) == 0)
                engine->watched = event.events;
}

void loop_unwatch(SprEngine *engine) {
        if (engine->watched)
                (void)epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, connection_fd(engine->connection),
                                NULL);
        engine->watched = 0;
}

void loop_signal(SprEngine *engine) {
        uint64_t one = 1;

        if (engine->completion_fd < 0 || engine->completion_signalled || engine->dispatching)
                return;
        (void)fd_write(engine->completion_fd, &one, sizeof(one)); /* an empty eventfd takes it */
        engine->completion_signalled = true;
}

static void loop_unsignal(SprEngine *engine) {
        uint64_t count;

        if (engine->completion_signalled)
                (void)fd_read(engine->completion_fd, &count, sizeof(count)); /* only to empty it */
        engine->completion_signalled = false;
}

/* Gives out the epoll descriptor; the two in it are the engine's. */
static int loop_open(SprEngine *engine, int *epoll_fdp) {
        _cleanup_(closep) int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        _cleanup_(closep) int completion_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        _cleanup_(closep) int timer_fd =
                timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN};

        if (epoll_fd < 0 || completion_fd < 0 || timer_fd < 0 ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, completion_fd, &event) < 0 ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event) < 0)
                return -errno;
        *epoll_fdp = take_fd(&epoll_fd);
        engine->completion_fd = take_fd(&completion_fd);
        engine->timer_fd = take_fd(&timer_fd);
        return 0;
}

void loop_after_fork(SprEngine *engine) {
        _cleanup_(closep) int epoll_fd = -1;

        engine->watched = 0;
        engine->completion_signalled = false;
        engine->dispatching = false;
        engine->timer_ns = UINT64_MAX;
        if (engine->epoll_fd < 0)
                return;
        /* The inherited set is the parent's too: nothing may be changed in it. */
        engine->completion_fd = fd_close(engine->completion_fd);
        engine->timer_fd = fd_close(engine->timer_fd);
        if (loop_open(engine, &epoll_fd) == 0)
                (void)dup3(epoll_fd, engine->epoll_fd, O_CLOEXEC);
}

_public_ int spr_engine_get_fd(SprEngine *engine) {
        int fd;

        engine_lock(engine);
        fd = engine->epoll_fd;
        if (fd < 0) {
                fd = loop_open(engine, &engine->epoll_fd);
                if (!fd) {
                        fd = engine->epoll_fd;
                        loop_watch(engine);
                        if (engine->done.first)
                                loop_signal(engine);
                }
        }
        engine_unlock(engine);
        return fd;
}

_public_ int
spr_engine_post(SprEngine *engine, const SprRequest *request, uint64_t *run_idp, SprError *error) {
        _cleanup_(run_unrefp) SprRun *run = NULL;
        Failure failure = FAILURE_NULL;
        uint64_t id = 0;
        int r;

        r = engine_new_run(engine, request, &run, &failure);
        if (r)
                return error_from_failure(error, &failure);
        run->posted = true;
        engine_lock(engine);
        r = engine->closed ? 1 : engine_submit(engine, run, &failure);
        id = run->id;
        run = run_unref(run); /* counted under the lock, unlike by the cleanup */
        engine_unlock(engine);
        if (r > 0)
                return error_set(error, SPR_E_CLOSED, "the engine was closed");
        if (r)
                return error_from_failure(error, &failure);
        if (run_idp)
                *run_idp = id;
        return 0;
}

_public_ int spr_engine_dispatch(SprEngine *engine, SprError *error) {
        bool closed;

        engine_lock(engine);
        engine->dispatching = true;
        loop_disarm(engine);
        exchange_run(engine);
        engine->dispatching = false;
        closed = engine->closed;
        engine_unlock(engine);
        return closed ? error_set(error, SPR_E_CLOSED, "the engine was closed") : 0;
}

/* What spr_run_wait() would return as an error comes as a result here: every id is answered. */
static int loop_take_result(SprRun *run, SprResult **resultp) {
        if (!run->result) {
                int r = result_new_message(&run->result, OUTCOME_INFRA, KILLED_BY_NOBODY,
                                           RESULT_EXIT_INFRA, run->failure.text);

                if (r)
                        return r;
                run_label_result(run);
        }
        *resultp = take_ptr(&run->result);
        return 0;
}

_public_ int spr_engine_pop(SprEngine *engine, SprResult **resultp) {
        SprResult *result = NULL;
        SprRun *run;
        int r = SPR_E_EMPTY;

        engine_lock(engine);
        run = engine->done.first;
        if (run) {
                r = loop_take_result(run, &result);
                if (!r) {
                        (void)run_list_remove(&engine->done, run);
                        (void)run_unref(run);
                }
        }
        if (!engine->done.first)
                loop_unsignal(engine);
        engine_unlock(engine);
        if (r)
                return r;
        result_finish(result);
        *resultp = result;
        return 0;
}

_public_ void spr_engine_cancel(SprEngine *engine, uint64_t run_id) {
        SprRun *run;

        engine_lock(engine);
        run = run_table_find(&engine->sent, run_id);
        if (!run)
                run = queue_find(&engine->queue, run_id);
        if (run && run->posted)
                engine_cancel(engine, run);
        engine_unlock(engine);
}
