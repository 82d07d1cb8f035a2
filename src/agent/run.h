#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Run: one request from its SUBMIT to the last byte of its result
 *
 *      PREPARING ──► RUNNING ──► ENDING ──► DELIVERING
 *      request arrives,  deadline   worker      result goes to
 *      worker starts     is armed   is dead     the host
 *
 * The request goes into the run's region as it comes, while the zygote forks the worker; whichever
 * is later hands over. A run ends by the worker's answer, by its death, or by the agent's SIGKILL;
 * in each case the agent kills the run's init (or the worker, where there is no pid namespace),
 * waits for the zygote to report the worker's status, decides and delivers.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/capture.h"
#include "agent/lease.h"
#include "agent/memory.h"
#include "agent/verdict.h"
#include "sandbox/pidns.h"
#include "wire/messages.h"
#include "wire/region.h"

typedef enum RunState {
        RUN_PREPARING,
        RUN_RUNNING,
        RUN_ENDING,
        RUN_DELIVERING,
} RunState;

/* The descriptors for a worker, in the order of ZYGOTE_SPAWN. */
#define RUN_CHILD_FDS_MAX 6

/* result, error, two heads, two tails of up to two pieces */
#define RUN_PIECES_MAX 8

typedef struct RunPiece {
        DataChannel channel;
        RegionSlice slice;
} RunPiece;

struct Run {
        Agent *agent;
        Environment *environment;
        Link by_id;   /* in agent->runs */
        Link in_turn; /* in environment->waiting or running, or agent->delivering */
        uint64_t id;
        RunState state;
        SubmitFrame submit;

        uint64_t received[DATA_NAME + 1]; /* bytes of the request per channel */
        uint32_t credit_owed;             /* taken, and not yet granted anew to the host */

        RegionFile region;
        Capture captures[_REGION_STREAM_N];
        int child_fds[RUN_CHILD_FDS_MAX]; /* until they are handed to the zygote */
        size_t n_child_fds;
        int socket_fd;
        LoopSource socket_source;
        PidnsInit init;
        int worker_pidfd;
        pid_t worker_pid; /* in our pid namespace */
        Lease *lease;
        MemoryWatch memory;

        bool handed_over; /* the zygote has the request for a worker */
        bool worker_ready, worker_started, worker_reaped;
        LayerSet layers;
        uint64_t started_ns;
        uint64_t deadline_ns; /* of the present state; UINT64_MAX = none */
        Ending ending;
        Failure failure; /* the worker's: it could not be confined, and there was no run */
        Usage usage;

        RunPiece pieces[RUN_PIECES_MAX];
        size_t n_pieces, piece; /* piece = the one being sent */
        uint64_t credit;        /* of the host, for result data */
};

/* From a SUBMIT frame. A request that cannot be accepted is answered with a FAILURE on its stream;
 * only -EPROTO comes back. */
int run_new(Agent *agent, const FrameHeader *header, const SubmitFrame *submit, Failure *failure);
/* Kills what is left of it and forgets it, without a word to the host. Accepts NULL. */
Run *run_free(Run *run);

/* host → run */
int run_receive(Run *run, const FrameHeader *header, const uint8_t *payload, Failure *failure);
void run_cancel(Run *run);

/* zygote → run */
/* Sends ZYGOTE_SPAWN. -EAGAIN: the socket is full; -EPIPE: the zygote is gone; both leave the run
 * as it was. Any other failure has been answered and the run is gone. */
int run_hand_over(Run *run);
/* @pidfd is taken. */
void run_worker_spawned(Run *run, pid_t pid, int pidfd);
void run_worker_exited(Run *run, const ZygoteExitedFrame *exited);
/* The zygote is gone; what is known must do. */
void run_zygote_lost(Run *run, const Failure *why);

/* Answers with a FAILURE; the run is gone. */
void run_fail(Run *run, const Failure *failure);

/* clock → run */
void run_check_deadline(Run *run, uint64_t now_ns);
/* Samples the memory of a running one and kills it over its limit. */
void run_check_memory(Run *run);
/* Whether run_check_memory() is to be called every few milliseconds. */
bool run_wants_samples(const Run *run);

DEFINE_CLEANUP(Run *, run_free)
