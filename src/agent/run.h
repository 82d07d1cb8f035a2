#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Run: one request from its SUBMIT to the last byte of its result
 *
 *      PREPARING ──► RUNNING ──► ENDING ──► DELIVERING
 *      request arrives,  deadline   worker      result goes to
 *      worker starts     is armed   is dead     the host
 *
 * It takes a standby of its mold, or waits for a worker to be made. The request goes into the
 * worker's region as it comes; when both are complete, the worker is let off. A run ends by the
 * worker's answer, by its death, or by the agent's SIGKILL; then the agent decides, takes the
 * region from the worker and delivers.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/verdict.h"
#include "wire/messages.h"
#include "wire/region.h"

typedef enum RunState {
        RUN_PREPARING,
        RUN_RUNNING,
        RUN_ENDING,
        RUN_DELIVERING,
} RunState;

/* result, error, two heads, two tails of up to two pieces */
#define RUN_PIECES_MAX 8

typedef struct RunPiece {
        DataChannel channel;
        RegionSlice slice;
} RunPiece;

struct Run {
        Agent *agent;
        Worker *worker;  /* until it is DELIVERING */
        bool replaced;   /* the first worker died before it had the request */
        Link by_id;      /* in agent->runs */
        Link delivering; /* in agent->delivering */
        uint64_t id;
        RunState state;
        SubmitFrame submit;

        uint64_t received[DATA_NAME + 1]; /* bytes of the request per channel */
        uint32_t credit_owed;             /* taken, and not yet granted anew to the host */
        uint64_t started_ns;
        uint64_t deadline_ns;  /* of the present state; UINT64_MAX = none */
        uint64_t exit_by_ns;   /* until then atexit functions may run; 0 = not there yet */
        WorkerResultFrame end; /* the answer if they do not come to an end */
        Ending ending;
        Usage usage;
        uint64_t page_faults;
        bool counted_faults; /* there is somebody who has */
        bool standby;        /* a worker was ready when it came */

        /* DELIVERING */
        LayerSet layers;
        bool host_network;
        RegionFile region;
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

/* worker → run; all but the first two may end with the run gone */
/* It is served by @worker, which may be ready or not. */
void run_attach(Run *run, Worker *worker);
void run_worker_ready(Run *run);
/* All of /tmp, which it may have to wait for, is nobody's. */
void run_tmp_is_free(Run *run);
/* It will answer this, unless it is not done with its atexit functions in time. */
void run_worker_ended(Run *run, const WorkerResultFrame *result);
void run_worker_answered(Run *run, const WorkerResultFrame *result);
/* It broke the protocol. */
void run_worker_misbehaved(Run *run);
/* There is none, or none any more, for the reason given. */
void run_worker_failed(Run *run, const Failure *why);
void run_worker_exited(Run *run, const ZygoteExitedFrame *exited);

/* Answers with a FAILURE; the run is gone. */
void run_fail(Run *run, const Failure *failure);

/* clock → run */
/* Its deadline has come. */
void run_overdue(Run *run);
/* Looks what a running one uses, and kills it over its limits. */
void run_take_sample(Run *run);
/* Whether run_take_sample() is to be called every few milliseconds. */
bool run_wants_samples(const Run *run);

DEFINE_CLEANUP(Run *, run_free)
