#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Environment: an interpreter with its packages, the zygotes that serve it, and the pools of
 * standbys that they fill
 *
 * There is one zygote; where it cannot fork as fast as runs come, and there are processors for more
 * of them, there are more. A zygote that dies fails the runs it had and is started anew by the next
 * one. An environment that cannot start answers every run with the reason.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/imports.h"
#include "agent/zygote-process.h"
#include "agent/zygote.h"
#include "base/failure.h"
#include "base/layers.h"

typedef struct Pool Pool;

#define ENVIRONMENT_PRESSED    4                     /* runs that wait for their workers */
#define ENVIRONMENT_PRESSED_NS (200 * NSEC_PER_MSEC) /* after which another zygote is worth it */
#define ENVIRONMENT_EASED_NS   (60 * NSEC_PER_SEC)   /* after which it is not any more */
#define ENVIRONMENT_LEARN_NS   (5 * NSEC_PER_SEC)    /* between two zygotes that know more */
#define ENVIRONMENT_RETRY_NS   (60 * NSEC_PER_SEC)   /* after a successor that could not start */

struct Environment {
        Agent *agent;
        Link link; /* in agent->environments */
        uint64_t id;
        char *strings;      /* the interpreter's path, preloads and paths, as they came */
        const char **lists; /* into strings: preloads, then paths */
        ZygoteOrder order;  /* of those */
        uint64_t startup_timeout_ns;
        uint32_t n_standbys; /* that the host demands of each mold, or ENV_STANDBYS_ADAPTIVE */
        bool announced;      /* ENV_READY or FAILURE has been sent once */
        LayerSet layers;     /* the zygotes' */
        Link zygotes;
        uint32_t n_zygotes_wanted;
        uint64_t pressed_ns; /* since when runs wait for workers */
        uint64_t waited_ns;  /* when they last did */
        uint64_t retry_ns;   /* no successor is tried before */
        Link waiting;        /* workers that no zygote has been asked for */
        uint32_t n_awaited;  /* workers that a run waits for */
        Link pools;          /* the one used last first */
        uint32_t n_pools;
        Imports imports;     /* where they are learned */
        uint64_t learned_ns; /* when a zygote was last started for their sake */
};

/* From an ENV_OPEN frame; starts a zygote. What is wrong with the frame is -EPROTO. */
int environment_new(Environment **environmentp,
                    Agent *agent,
                    const FrameHeader *header,
                    const uint8_t *payload,
                    Failure *failure);
/* Fails its runs, kills its zygotes. Accepts NULL. */
Environment *environment_free(Environment *environment);

/* Gives the run a standby, or a worker that is made now or when a zygote is ready. */
void environment_add_run(Environment *environment, Run *run);
/* Asks the zygotes for waiting workers. */
void environment_pump(Environment *environment);
/* Whether nobody waits for a worker. */
bool environment_has_time(const Environment *environment);
/* Whatever can be done while nobody waits: standbys are made, worn zygotes replaced, retired ones
 * forgotten. Returns when to look again. */
uint64_t environment_tend(Environment *environment, uint64_t now_ns);

/* A zygote that does not tell of a worker that must be gone. */
extern const Failure environment_silent;
/* A run had to import these, as in FRAME_WORKER_IMPORTS. */
void environment_learn(Environment *environment, const uint8_t *names, size_t length);
/* zygote → environment. It is ready, with what it says of itself. Returns false where that is
 * refused; then it is gone. */
bool environment_zygote_ready(Environment *environment, Zygote *zygote, const Packet *packet);
/* It is no good any more: kills it, ends or fails its runs. It is gone. */
void environment_zygote_lost(Environment *environment, Zygote *zygote, const Failure *why);
/* A child of the agent has ended: whether it was a zygote of this, which then is lost. */
bool environment_child_ended(Environment *environment, pid_t pid, int status);
/* The pids of its zygotes, at most @n_max; how many. */
size_t environment_list_zygotes(const Environment *environment, pid_t *pids, size_t n_max);
/* Gives up a zygote that is overdue; whether there was one. */
bool environment_check_deadlines(Environment *environment, uint64_t now_ns);
