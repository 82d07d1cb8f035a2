/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/environment.h"
#include "agent/lease.h"
#include "agent/requests.h"
#include "agent/run-delivery.h"
#include "agent/run.h"
#include "agent/worker.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/credentials.h"
#include "sandbox/descendants.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/seccomp.h"

#define AGENT_SAMPLE_SHARE 4 /* one part in so many of its time the agent looks at runs */
#define AGENT_CLEAN_NS     NSEC_PER_MSEC /* a turn of the loop for what runs left behind */
#define AGENT_FDS_RESERVED 64
#define AGENT_PIDS_MAX     1024

Run *agent_find_run(Agent *agent, uint64_t id) {
        list_for_each(link, &agent->runs[id % AGENT_BUCKETS]) {
                Run *run = container_of(link, Run, by_id);

                if (run->id == id)
                        return run;
        }
        return NULL;
}

Worker *agent_find_worker(Agent *agent, uint64_t id) {
        list_for_each(link, &agent->workers[id % AGENT_BUCKETS]) {
                Worker *worker = container_of(link, Worker, by_id);

                if (worker->id == id)
                        return worker;
        }
        return NULL;
}

Environment *agent_find_environment(Agent *agent, uint64_t id) {
        list_for_each(link, &agent->environments) {
                Environment *environment = container_of(link, Environment, link);

                if (environment->id == id)
                        return environment;
        }
        return NULL;
}

/* Of those that wait the first one takes it, and the others wait on. */
void agent_tmp_is_free(Agent *agent) {
        if (!agent->tmp_awaited)
                return;
        agent->tmp_awaited = false;
        for (size_t i = 0; i < AGENT_BUCKETS; ++i)
                list_for_each(link, &agent->runs[i])
                        run_tmp_is_free(container_of(link, Run, by_id));
}

/* children and signals */

/* Without a pid namespace, what a dead zygote's workers left behind has become our child. */
static void agent_sweep(Agent *agent) {
        _cleanup_(closep) int proc_fd = -1;
        pid_t zygotes[AGENT_PIDS_MAX];
        size_t n = 0;

        if (agent->nest.pid_namespace)
                return;
        list_for_each(link, &agent->environments) {
                Environment *environment = container_of(link, Environment, link);

                n += environment_list_zygotes(environment, zygotes + n, ARRAY_SIZE(zygotes) - n);
        }
        if (n == ARRAY_SIZE(zygotes))
                return; /* no telling which are not known */
        proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd >= 0)
                (void)descendants_kill_unknown(proc_fd, zygotes, n);
}

/* Every child that ends may leave children of its own to us: a zygote, whoever killed it, and then
 * each process of its runs. */
static void agent_reap(Agent *agent) {
        bool ended = false;
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                ended = true;
                list_for_each(link, &agent->environments) {
                        Environment *environment = container_of(link, Environment, link);

                        if (environment_child_ended(environment, pid, status))
                                break;
                }
        }
        if (ended)
                agent_sweep(agent);
}

static void agent_signal_ready(LoopSource *source, uint32_t events _unused_) {
        Agent *agent = container_of(source, Agent, signal_source);
        struct signalfd_siginfo info;

        while (fd_read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                if (info.ssi_signo != SIGCHLD)
                        agent->ending = true;
        agent_reap(agent);
}

static void agent_host_died(LoopSource *source, uint32_t events _unused_) {
        container_of(source, Agent, host_source)->ending = true;
}

static int agent_watch_signals(Agent *agent, Failure *failure) {
        sigset_t signals;
        int fd;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGCHLD);
        (void)sigaddset(&signals, SIGTERM);
        (void)sigaddset(&signals, SIGINT);
        (void)sigprocmask(SIG_BLOCK, &signals, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGXFSZ, SIG_IGN); /* a write past RLIMIT_FSIZE fails instead */
        fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot watch signals");
        return loop_add(&agent->loop, &agent->signal_source, fd, EPOLLIN, agent_signal_ready,
                        failure);
}

/* time */

/* Of many runs a look takes long. */
static uint64_t agent_sample_ns(const Agent *agent) {
        return max_u64(AGENT_SAMPLE_NS, agent->sample_cost_ns * AGENT_SAMPLE_SHARE);
}

typedef struct AgentClock {
        uint64_t now_ns;
        bool samples;
} AgentClock;

static void agent_visit_run(Agent *agent, Run *run, const AgentClock *clock) {
        if (!run_wants_samples(run))
                return;
        if (clock->samples && clock->now_ns - run->started_ns >= AGENT_SAMPLE_NS)
                run_take_sample(run);
        agent_wake_by(agent, agent->sampled_ns + agent_sample_ns(agent));
}

/* Returns false when something was due: it, and others, may be gone. */
static bool agent_visit_worker(Agent *agent, Worker *worker, const AgentClock *clock) {
        Run *run = worker->run;

        if (worker->deadline_ns <= clock->now_ns) {
                worker_overdue(worker);
                return false;
        }
        agent_wake_by(agent, worker->deadline_ns);
        if (!run)
                return true;
        if (run->deadline_ns <= clock->now_ns) {
                run_overdue(run);
                return false;
        }
        agent_wake_by(agent, run->deadline_ns);
        agent_visit_run(agent, run, clock);
        return true;
}

static bool agent_visit_workers(Agent *agent, Link *list, const AgentClock *clock) {
        list_for_each(link,
                      list) if (!agent_visit_worker(agent, container_of(link, Worker, in_turn),
                                                    clock)) return false;
        return true;
}

static bool agent_visit_environment(Environment *environment, const AgentClock *clock) {
        Agent *agent = environment->agent;

        if (environment_check_deadlines(environment, clock->now_ns) ||
            !agent_visit_workers(agent, &environment->waiting, clock))
                return false;
        list_for_each(link, &environment->zygotes) {
                Zygote *zygote = container_of(link, Zygote, link);

                if (!agent_visit_workers(agent, &zygote->workers, clock))
                        return false;
        }
        return true;
}

/* Looks after everything, until one thing was due; then there may be more. */
static void agent_visit(Agent *agent, uint64_t now_ns) {
        AgentClock clock = {.now_ns = now_ns};

        clock.samples = now_ns - agent->sampled_ns >= agent_sample_ns(agent);
        if (clock.samples)
                agent->sampled_ns = now_ns;
        agent->due_ns = UINT64_MAX;
        list_for_each(link, &agent->environments) {
                Environment *environment = container_of(link, Environment, link);

                if (!agent_visit_environment(environment, &clock)) {
                        agent->due_ns = now_ns;
                        return;
                }
        }
        if (clock.samples)
                agent->sample_cost_ns = clock_now_ns() - now_ns;
}

/* What is due by the clock, one thing at a time, then what there is time for; returns how long the
 * loop may sleep. */
static uint64_t agent_tick(Agent *agent) {
        uint64_t now_ns = clock_now_ns(), next_ns;

        if (agent->remote && now_ns >= agent->link.heard_ns + AGENT_LEASE_NS)
                agent->ending = true; /* whether it is gone or only cut off, nobody can tell */
        if (now_ns >= agent->due_ns)
                agent_visit(agent, now_ns);
        next_ns = agent->due_ns;
        if (next_ns > now_ns)
                list_for_each(link, &agent->environments) {
                        Environment *environment = container_of(link, Environment, link);

                        next_ns = min_u64(next_ns, environment_tend(environment, now_ns));
                }
        if (!list_is_empty(&agent->cleaning) && lease_clean(agent, now_ns + AGENT_CLEAN_NS))
                return 0;
        if (agent->remote)
                next_ns = min_u64(next_ns, agent->link.heard_ns + AGENT_LEASE_NS);
        if (next_ns == UINT64_MAX)
                return UINT64_MAX;
        return next_ns > now_ns ? next_ns - now_ns : 0;
}

bool agent_answer(Agent *agent) {
        bool progress = true, full = false;

        while (progress && !full) {
                progress = false;
                list_for_each(link, &agent->delivering) {
                        full = !link_has_room(&agent->link);
                        if (full)
                                break;
                        progress |= run_deliver_one(container_of(link, Run, delivering));
                }
        }
        link_flush(&agent->link);
        return full;
}

void agent_loop(Agent *agent) {
        while (!agent->ending && !agent->link.closed) {
                uint64_t timeout_ns;
                bool more;

                more = agent_answer(agent);
                if (agent->link.closed)
                        return; /* the host cannot be told anything: no event would say so */
                timeout_ns = agent_tick(agent);
                if (more && link_has_room(&agent->link))
                        timeout_ns = 0; /* the host took it all at once: no event will say so */
                if (loop_run_once(&agent->loop, timeout_ns))
                        return;
        }
}

/* birth and death */

/* The host's soft limits were meant for the host; the hard ones hold for us. */
static void agent_raise_limits(void) {
        static const int resources[] = {RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_DATA,
                                        RLIMIT_AS};
        struct rlimit limit;

        for (size_t i = 0; i < ARRAY_SIZE(resources); ++i) {
                if (getrlimit(resources[i], &limit) < 0)
                        continue;
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(resources[i], &limit); /* never refused */
        }
}

/* As many runs as the descriptors allow. */
static uint32_t agent_size_up(void) {
        struct rlimit limit = {0};
        uint64_t n;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 1;
        if (limit.rlim_cur <= AGENT_FDS_RESERVED + AGENT_FDS_PER_RUN)
                return 1;
        n = (limit.rlim_cur - AGENT_FDS_RESERVED) / AGENT_FDS_PER_RUN;
        return n < AGENT_RUNS_MAX ? (uint32_t)n : AGENT_RUNS_MAX;
}

/* A zygote forks one worker after the other: it keeps about two processors busy. */
static uint32_t agent_count_zygotes(void) {
        long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

        return n < 1 ? 1 : (uint32_t)min_u64((uint64_t)n, AGENT_ZYGOTES_MAX);
}

int agent_init(Agent *agent, int in_fd, int out_fd, int host_pidfd, Failure *failure) {
        int r;

        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        (void)prctl(PR_SET_DUMPABLE, 0);
        agent_raise_limits();
        agent->max_runs = agent_size_up();
        if (!agent->n_forks_max)
                agent->n_forks_max = AGENT_FORKS_MAX;
        if (!agent->n_zygotes_max)
                agent->n_zygotes_max = agent_count_zygotes();
        agent->due_ns = UINT64_MAX;
        list_init(&agent->environments);
        list_init(&agent->delivering);
        list_init(&agent->cleaning);
        for (size_t i = 0; i < AGENT_BUCKETS; ++i)
                list_init(&agent->runs[i]), list_init(&agent->workers[i]);
        r = loop_init(&agent->loop, failure);
        if (!r)
                r = agent_watch_signals(agent, failure);
        if (!r)
                r = link_init(&agent->link, &agent->loop, in_fd, out_fd, requests_handle, failure);
        if (!r && host_pidfd >= 0)
                r = loop_add(&agent->loop, &agent->host_source, host_pidfd, EPOLLIN,
                             agent_host_died, failure);
        return r;
}

static int agent_probe_uids(void) {
        return geteuid() == 0 ? credentials_probe() : 0;
}

void agent_try_layers(Agent *agent) {
        static const struct {
                Layer layer;
                int (*probe)(void);
        } rows[] = {
                {LAYER_UID, agent_probe_uids},
                {LAYER_CGROUP_NAMESPACE, namespaces_probe_cgroup},
                {LAYER_LANDLOCK, landlock_probe},
                {LAYER_SECCOMP, seccomp_probe},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                LayerSet layer = LAYER_BIT(rows[i].layer);
                int r = agent->tried & layer ? -EALREADY : rows[i].probe();

                if (r < 0)
                        continue; /* a host that is short of something may have the layer */
                agent->tried |= layer;
                if (r == 0)
                        agent->lacking |= layer;
        }
        /* where it could not be tried, a worker that cannot take its uid refuses the run */
        agent->leases_uids = !((agent->lacking | agent->without) & LAYER_BIT(LAYER_UID));
}

void agent_deinit(Agent *agent) {
        list_for_each(at, &agent->environments)(void)
                environment_free(container_of(at, Environment, link));
        list_for_each(at, &agent->delivering)(void) run_free(container_of(at, Run, delivering));
        agent_sweep(agent);
        (void)lease_clean(agent, UINT64_MAX);
        link_deinit(&agent->link);
}
