#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Loop: epoll and the objects that wait in it
 *
 * A source is embedded in the object that owns the descriptor; its function finds the object by
 * container_of(). A source may be removed, and its object freed, in any function: events of the
 * same batch that are still to come for it are dropped.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

typedef struct Failure Failure;
typedef struct Loop Loop;
typedef struct LoopSource LoopSource;
typedef void (*LoopFn)(LoopSource *source, uint32_t events);

#define LOOP_BATCH 64

struct LoopSource {
        Loop *loop; /* NULL = in none */
        int fd;     /* not owned */
        uint32_t events;
        LoopFn fn;
};

struct Loop {
        int epoll_fd;
        struct epoll_event batch[LOOP_BATCH];
        size_t n_batch, at;
};

int loop_init(Loop *loop, Failure *failure);
/* @events: EPOLLIN and so on, level-triggered. */
int loop_add(Loop *loop, LoopSource *source, int fd, uint32_t events, LoopFn fn, Failure *failure);
/* Changes what is waited for. */
void loop_set(LoopSource *source, uint32_t events);
/* Accepts a source that is in no loop. Before its descriptor is closed. */
void loop_remove(LoopSource *source);
/* Waits for at most @timeout_ns (UINT64_MAX: for ever) and calls what is ready. 0 or -errno. */
int loop_run_once(Loop *loop, uint64_t timeout_ns);
