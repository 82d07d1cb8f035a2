#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Agent: everything one spr-agent process holds
 *
 * One host, its environments, its runs. All is owned by one thread and driven by one loop; the
 * parts below see each other through this struct.
 */
#include <stdbool.h>
#include <stdint.h>

#include "agent/link.h"
#include "agent/loop.h"
#include "agent/nest.h"
#include "base/clock.h"
#include "base/layers.h"
#include "base/list.h"

typedef struct Agent Agent;
typedef struct Environment Environment;
typedef struct Lease Lease;
typedef struct Run Run;
typedef struct Worker Worker;
typedef struct Zygote Zygote;

#define AGENT_RUNS_MAX    4096
#define AGENT_BUCKETS     1024
#define AGENT_UIDS_MAX    8192 /* a worker that ends still has its own */
#define AGENT_FDS_PER_RUN 16
#define AGENT_SAMPLE_NS   (5 * NSEC_PER_MSEC) /* between two looks at a run */
#define AGENT_LEASE_NS    (15 * NSEC_PER_SEC) /* of silence, then a remote host is gone */
#define AGENT_FORKS_MAX   4096                /* workers of one zygote, unless agreed otherwise */
#define AGENT_ZYGOTES_MAX 4

struct Agent {
        Loop loop;
        HostLink link;
        uint16_t host_minor; /* of the protocol that the host speaks */
        Nest nest;
        bool remote;              /* the host is not on this machine */
        uint32_t where;           /* RESULT_FLAG_* that tell it */
        const char *python;       /* for environments that name none; NULL = there is none */
        LayerSet without;         /* layers left out on demand */
        LayerSet tried, lacking;  /* layers that were tried; that this kernel does not have */
        LoopSource host_source;   /* a pidfd of the host: readable when it has died */
        LoopSource signal_source; /* SIGCHLD, SIGTERM */
        bool leases_uids;         /* root, and a leased uid can be taken */
        bool uid_is_leased[AGENT_UIDS_MAX];
        Link environments;
        Link runs[AGENT_BUCKETS];    /* by id */
        Link workers[AGENT_BUCKETS]; /* by id */
        uint64_t last_worker_id;
        uint32_t n_workers, n_standbys;
        bool owns_tmp;    /* it was empty when the first run wanted all of it */
        Lease *tmp_lease; /* under which a run uses all of /tmp */
        bool tmp_awaited; /* a run waits for it */
        Link cleaning;    /* leases that still give back what runs left in them */
        Link delivering;  /* runs with result data to send, in turn */
        uint32_t n_runs, max_runs;
        uint32_t n_running;     /* of them: their code runs */
        uint64_t begun_ns;      /* when the code of one was last let off */
        uint32_t n_forks_max;   /* workers of one zygote */
        uint32_t n_zygotes_max; /* of an environment, that serve at the same time */
        uint32_t n_tasks;       /* of our uid on the host, where that must be known */
        uint64_t tasks_counted_ns;
        uint64_t sampled_ns;     /* when memory was last looked at */
        uint64_t sample_cost_ns; /* how long that took */
        uint64_t due_ns;         /* nothing is due by the clock before */
        bool ending;
};

/* @host_pidfd: -1 where the host gave none. */
int agent_init(Agent *agent, int in_fd, int out_fd, int host_pidfd, Failure *failure);
/* Finds out which layers this kernel has, by trying; each until there is an answer. */
void agent_try_layers(Agent *agent);
/* Something is due at @due_ns: the agent looks after everything then. */
static inline void agent_wake_by(Agent *agent, uint64_t due_ns) {
        if (due_ns < agent->due_ns)
                agent->due_ns = due_ns;
}
/* The next run that wants all of /tmp may begin. */
void agent_tmp_is_free(Agent *agent);
/* Result data, one frame a run in turn, as long as the host takes it. Returns whether it ended for
 * want of room, with more to send. */
bool agent_answer(Agent *agent);
/* Serves until the host is gone. */
void agent_loop(Agent *agent);
/* Kills and removes everything. */
void agent_deinit(Agent *agent);

Run *agent_find_run(Agent *agent, uint64_t id);
Worker *agent_find_worker(Agent *agent, uint64_t id);
Environment *agent_find_environment(Agent *agent, uint64_t id);
