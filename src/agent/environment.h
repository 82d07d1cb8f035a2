#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Environment: an interpreter with its packages, and the zygote that serves it
 *
 * A zygote that dies fails the runs it had and is started anew by the next one. An environment that
 * cannot start answers every run with the reason.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/mold.h"
#include "agent/zygote-process.h"
#include "base/failure.h"
#include "base/layers.h"

typedef enum EnvironmentState {
        ENVIRONMENT_COLD,     /* no zygote */
        ENVIRONMENT_STARTING, /* waiting for ZYGOTE_READY */
        ENVIRONMENT_READY,
} EnvironmentState;

#define ENVIRONMENT_WORDS_MAX 2048
#define ENVIRONMENT_STANDBYS  2
/* that could not be confined, or died, before no more are made until the next run */
#define ENVIRONMENT_STANDBYS_LOST 8

struct Environment {
        Agent *agent;
        Link link; /* in agent->environments */
        uint64_t id;
        char *strings;      /* the interpreter's path, preloads and paths, as they came */
        const char **lists; /* into strings: preloads, then paths */
        ZygoteOrder order;  /* of those */
        uint64_t startup_timeout_ns;
        uint64_t deadline_ns; /* while starting; else UINT64_MAX */
        EnvironmentState state;
        bool announced; /* ENV_READY or FAILURE has been sent once */
        ZygoteProcess zygote;
        LoopSource control_source, words_source;
        LayerSet layers;                   /* the zygote's */
        Link waiting;                      /* workers that the zygote has not been asked for */
        Link workers;                      /* those it has */
        Mold mold;                         /* of the last run */
        bool wants_standbys;               /* and of the one before */
        unsigned int n_lost_standbys;      /* since the last run */
        char words[ENVIRONMENT_WORDS_MAX]; /* the last the zygote said on stdout and stderr */
        size_t n_words;
};

/* From an ENV_OPEN frame; starts the zygote. What is wrong with the frame is -EPROTO. */
int environment_new(Environment **environmentp,
                    Agent *agent,
                    const FrameHeader *header,
                    const uint8_t *payload,
                    Failure *failure);
/* Fails its runs, kills its zygote. Accepts NULL. */
Environment *environment_free(Environment *environment);

/* Gives the run a standby, or a worker that is made now or when the zygote is ready. */
void environment_add_run(Environment *environment, Run *run);
/* Makes a standby where one is missing. Making it holds up results, so unless @beside_runs only
 * where no run is in progress. */
void environment_refill(Environment *environment, bool beside_runs);
/* One could not be confined, or died. */
void environment_standby_failed(Environment *environment);
/* Asks the zygote for waiting workers. */
void environment_pump(Environment *environment);
/* A zygote that does not tell of a worker that must be gone. */
extern const Failure environment_silent;
/* The zygote is no good any more: kills it, ends or fails its runs. */
void environment_break(Environment *environment, const Failure *why);
/* A child of the agent has ended: whether it was this zygote, which then is broken. */
bool environment_child_ended(Environment *environment, pid_t pid, int status);
/* Breaks it where something is overdue; returns when to look again. */
uint64_t environment_check_deadline(Environment *environment, uint64_t now_ns);
/* Handles what has come on the control socket. */
void environment_read_control(Environment *environment);
