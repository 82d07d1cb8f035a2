#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Run: one execution, from submission to result
 *
 *         RUN_QUEUED → RUN_SENT → RUN_DONE → RUN_TAKEN
 *
 * While a run is in flight its engine holds a reference; a handle given to the caller is another.
 * At RUN_DONE it has either a result or a failure, and what it was to send is released.
 *
 * Guarded by the lock of its engine, except run_new().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/failure.h"
#include "base/list.h"
#include "client/audit-line.h"
#include "client/environment.h"
#include "client/outbox.h"
#include "client/result.h"
#include "spr/spr.h"
#include "wire/messages.h"

typedef struct RunAssembly RunAssembly;
typedef struct RunList RunList;
typedef struct RunTable RunTable;
typedef struct Waiter Waiter;

typedef enum RunState {
        RUN_QUEUED, /* no slot is free: client/queue.h */
        RUN_SENT,
        RUN_DONE,
        RUN_TAKEN, /* the result was given out */
} RunState;

/* The result while its DATA frames come in. */
struct RunAssembly {
        bool begun;                     /* RESULT has come */
        uint64_t missing[RESULT_TEXTS]; /* bytes of each text still to come */
        uint64_t n_missing;             /* the sum */
        uint64_t window;                /* bytes the agent may send before the next CREDIT */
};

struct SprRun {
        unsigned int n_refs;
        SprEngine *engine;
        uint64_t id;
        RunState state;
        bool posted, cancelled;
        void *userdata;
        SubmitFrame submit;
        AuditDigests digests;     /* where the engine keeps an audit log */
        Blob *demands;            /* on the environment */
        Environment *environment; /* while it is in flight */
        Upload upload;
        RunAssembly assembly;
        SprResult *result;
        int error;       /* where there is no result: SPR_E_*, or a negative errno */
        Failure failure; /* and the words */
        Waiter *waiter;  /* the thread in spr_run_wait() */
        Link in_queue;
        uint64_t queued_ns;     /* when it was put there */
        uint64_t sent_ns;       /* when it was given to the connection */
        uint64_t queue_wait_ns; /* how long it was there, once it is not */
        SprRun *next;           /* in the one list or table it is on */
};

struct RunList {
        SprRun *first, *last;
};

#define RUN_TABLE_BUCKETS 64

struct RunTable {
        RunList buckets[RUN_TABLE_BUCKETS];
        size_t n_runs;
};

/* With one reference. Returns 0 or -errno with the words. */
int run_new(SprRun **runp, const SprRequest *request, Failure *failure);
SprRun *run_ref(SprRun *run);
SprRun *run_unref(SprRun *run);

/* The agent's RESULT and the DATA that follows. Each returns 0, or -EPROTO with the words. Memory
 * that does not suffice shows in run->error, and the bytes are dropped as they come. */
int run_result_begin(SprRun *run, const ResultFrame *frame, Failure *failure);
int run_result_data(SprRun *run,
                    const FrameHeader *header,
                    const uint8_t *payload,
                    Failure *failure);
/* Whether all that was announced has come. */
bool run_result_complete(const SprRun *run);
/* How much credit the agent is to get now; 0 = none yet. */
uint32_t run_result_credit(SprRun *run);

/* Tells the result whose it is. */
void run_label_result(SprRun *run);
/* RUN_DONE, in one of three ways. */
void run_finish(SprRun *run);
void run_finish_message(
        SprRun *run, Outcome outcome, KilledBy killed_by, int exit_code, const char *text);
void run_finish_error(SprRun *run, int error, const Failure *failure);

void run_list_append(RunList *list, SprRun *run);
SprRun *run_list_pop(RunList *list);
bool run_list_remove(RunList *list, SprRun *run);

void run_table_add(RunTable *table, SprRun *run);
SprRun *run_table_find(const RunTable *table, uint64_t id);
/* Any run in this environment, or with NULL in any; NULL where there is none. */
SprRun *run_table_find_in(const RunTable *table, const Environment *environment);
void run_table_remove(RunTable *table, SprRun *run);
/* Any run, removed; NULL where there is none. */
SprRun *run_table_pop(RunTable *table);

DEFINE_CLEANUP(SprRun *, run_unref)
