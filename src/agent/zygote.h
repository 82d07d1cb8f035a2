#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Zygote: a warm interpreter as the agent sees it, and the workers it has
 *
 *      STARTING ──► SERVING ──► RETIRED
 *      imports       forks       forks no more, and is gone
 *                                with the last of its workers
 *
 * All workers of one zygote have its address layout and its hash seed, so it serves only so many or
 * so long; its successor is ready before it retires.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/loop.h"
#include "agent/zygote-process.h"
#include "base/layers.h"
#include "base/list.h"

typedef struct Packet Packet;
typedef struct Zygote Zygote;

typedef enum ZygoteState {
        ZYGOTE_STARTING,
        ZYGOTE_SERVING,
        ZYGOTE_RETIRED,
} ZygoteState;

#define ZYGOTE_WORDS_MAX 2048
#define ZYGOTE_AGE_NS    (600 * NSEC_PER_SEC) /* of one that is in use */

struct Zygote {
        Environment *environment;
        Link link; /* in environment->zygotes */
        ZygoteState state;
        ZygoteProcess process;
        LoopSource control_source, words_source;
        uint64_t deadline_ns;         /* while STARTING; else UINT64_MAX */
        uint64_t old_ns;              /* when it has served long enough */
        uint32_t n_forks;             /* workers it has been asked for */
        uint32_t n_starting;          /* workers that are on their way */
        bool learned;                 /* it was to import what runs imported */
        bool full;                    /* its socket takes no more at the moment */
        Link workers;                 /* those it has */
        char words[ZYGOTE_WORDS_MAX]; /* the last it said on stdout and stderr */
        size_t n_words;
};

/* Starts one for @environment, with its order. */
int zygote_new(Zygote **zygotep, Environment *environment, Failure *failure);
/* Kills it, and with it what workers it has; those without a run are forgotten here, the others
 * must have been told. Accepts NULL. */
Zygote *zygote_free(Zygote *zygote);

bool zygote_is_worn(const Zygote *zygote, uint64_t now_ns);

/* Handles what has come on the control socket. Returns false when the zygote is gone. */
bool zygote_read_control(Zygote *zygote);
/* Why it has ended, where it said nothing itself. @status as from wait4(2). */
void zygote_explain_end(Zygote *zygote, int status, Failure *failure);

DEFINE_CLEANUP(Zygote *, zygote_free)
