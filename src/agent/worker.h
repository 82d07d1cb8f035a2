#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Worker: one process of a zygote as the agent sees it, from the wish for it to its last trace
 *
 *      WAITING ──► STARTING ──► IDLE ──► BUSY ──► ENDING
 *      for the zygote  forked,     ready,   has a   killed; the zygote
 *                      confines    waits    request has yet to report
 *                      itself
 *
 * It serves one run and no other. A worker without a run is a standby, made ahead of need, or one
 * whose run has been answered and whose end is still to come: a killed process takes a millisecond
 * to be gone, and what it has by name (a uid, a work directory, a cgroup) serves nobody else before
 * the zygote reports it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/agent.h"
#include "agent/capture.h"
#include "agent/lease.h"
#include "agent/memory.h"
#include "base/layers.h"
#include "sandbox/pidns.h"
#include "wire/messages.h"
#include "wire/region.h"

typedef struct Cgroup Cgroup;
typedef struct Pool Pool;
typedef struct Worker Worker;

typedef enum WorkerState {
        WORKER_WAITING,
        WORKER_STARTING,
        WORKER_IDLE,
        WORKER_BUSY,
        WORKER_ENDING,
} WorkerState;

/* The descriptors for the process, in the order of ZYGOTE_SPAWN. */
#define WORKER_CHILD_FDS_MAX 10

struct Worker {
        Agent *agent;
        Environment *environment;
        Zygote *zygote; /* NULL = WAITING, or it has died */
        Run *run;       /* NULL = a standby, or its run is over */
        Link by_id;     /* in agent->workers */
        Link in_turn;   /* in environment->waiting or zygote->workers */
        uint64_t id;    /* the stream of its frames */
        WorkerState state;
        Pool *pool; /* of its mold */
        Link in_pool;
        uint32_t *in_pool_counter; /* of the list it is in; NULL = no standby */
        bool awaited;              /* a run waits for it */
        uint64_t deadline_ns;      /* of STARTING and ENDING; else UINT64_MAX */

        RegionFile region;
        Capture captures[_REGION_STREAM_N];
        int child_fds[WORKER_CHILD_FDS_MAX];   /* until they are handed to the zygote */
        bool child_owns[WORKER_CHILD_FDS_MAX]; /* nobody else here has the descriptor */
        size_t n_child_fds;
        int socket_fd;
        LoopSource socket_source;
        PidnsInit init;
        int pidfd;
        pid_t pid; /* in our pid namespace */
        Lease *lease;
        Cgroup *group; /* NULL = this host has none for us */
        uint32_t n_group_fds;
        MemoryWatch memory;
        uint64_t cpu_user_ns, cpu_system_ns; /* used before it had its request */

        uint32_t n_samples; /* how often it was looked at */
        bool greeted;       /* it has said that it is confined */
        LayerSet layers;    /* with which it is */
        bool unread;        /* it died before it had read its request */
        bool yields;        /* to those that have just begun */
        bool reaped;        /* the zygote has waited for it */
        bool ended;         /* that only atexit functions are left */
        uint8_t *imports;   /* what it says it had to import; NULL = nothing yet */
        size_t n_imports;
};

/* Of @pool, in the queue of @environment; made when worker_hand_over() is called. */
int worker_new(Worker **workerp, Environment *environment, Pool *pool, Failure *failure);
/* Kills what is left of it and forgets it. Accepts NULL. */
Worker *worker_free(Worker *worker);

/* Equips it and asks @zygote for it. -EAGAIN: the socket is full; -EPIPE: the zygote is gone; both
 * leave it as it was. Any other failure is final, and the words are in @failure. */
int worker_hand_over(Worker *worker, Zygote *zygote, Failure *failure);
/* A run waits for it from now on, or not any more. */
void worker_set_awaited(Worker *worker, bool awaited);
/* @pidfd is taken. */
void worker_spawned(Worker *worker, pid_t pid, int pidfd);
/* The zygote has reaped it: tells its run, and is gone. */
void worker_exited(Worker *worker, const ZygoteExitedFrame *exited);
/* It cannot be had: tells its run, and is gone. */
void worker_fail(Worker *worker, const Failure *failure);

/* Whether it is to tell what it had to import. */
bool worker_tells_imports(const Worker *worker);
/* The request of its run is in the region: off it goes. */
void worker_begin(Worker *worker, const WorkerRunFrame *frame, uint64_t output_bytes);
/* SIGKILL to everything it is made of; what its pipes hold stays readable. */
void worker_end(Worker *worker);
/* What its socket holds, now. */
void worker_read_socket(Worker *worker);
/* Its deadline has come. */
void worker_overdue(Worker *worker);
/* Its run is over: keeps what must be kept until it is gone. */
void worker_release(Worker *worker);

/* Memory beyond the warm interpreter in bytes, and the CPU time of the run in nanoseconds, as far
 * as they can be known while it runs. */
typedef struct WorkerUse {
        uint64_t memory_bytes, cpu_ns;
        uint32_t n_tasks;    /* processes and threads, where no control group counts them */
        bool too_many_tasks; /* and where nothing else holds it to its limit */
        bool too_much_disk;  /* in files, where no tmpfs holds it to its limit */
        bool out_of_memory;  /* the kernel has killed a process of it for want of memory */
} WorkerUse;

void worker_sample(Worker *worker, WorkerUse *use);
/* Its run takes long: short ones, and workers that are made, go first. Once is enough. */
void worker_yield(Worker *worker);

DEFINE_CLEANUP(Worker *, worker_free)
