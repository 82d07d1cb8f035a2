#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * PID namespace: one per run, with an init of ours as PID 1
 *
 * The code is never PID 1: as PID 1 abort() shows as SIGSEGV, and self-sent signals, alarm() and a
 * soft RLIMIT_CPU are ignored. The init does nothing but exist: when it dies, the kernel ends every
 * process of the run, however many there are and whatever they did to escape.
 */
#include <sys/types.h>

typedef struct Failure Failure;
typedef struct PidnsInit PidnsInit;

struct PidnsInit {
        pid_t pid;
        int pidfd;
};

#define PIDNS_INIT_NULL                                                                            \
        (PidnsInit) {                                                                              \
                .pid = -1, .pidfd = -1                                                             \
        }

/* Agent: makes a namespace and its init. Needs CAP_SYS_ADMIN in the agent's user namespace. Unless
 * @proc_fdp is NULL it receives a detached mount of the namespace's /proc (sandbox/procfs.h). */
int pidns_init_new(PidnsInit *init, int *proc_fdp, Failure *failure);
/* Kills the init, and with it the namespace, and reaps it in the background of SIGCHLD: the caller
 * waits for @pid some time later, or has its SIGCHLD handling do so. Accepts a null init. */
void pidns_init_kill(PidnsInit *init);

/* Zygote: the next fork() goes into the namespace of @init_pidfd, or back into its own, for which
 * @self_pidfd is a pidfd of the zygote itself. */
int pidns_enter(int init_pidfd, Failure *failure);
int pidns_return(int self_pidfd, Failure *failure);
