#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Zygote process: starting an interpreter with worker.so inside, and its control socket
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/layers.h"

typedef struct Failure Failure;
typedef struct ZygoteOrder ZygoteOrder;
typedef struct ZygoteProcess ZygoteProcess;

struct ZygoteProcess {
        pid_t pid;
        int control_fd; /* SOCK_SEQPACKET, non-blocking */
        int words_fd;   /* what it prints before it is ready: read end of a pipe, non-blocking */
};

#define ZYGOTE_PROCESS_NULL                                                                        \
        (ZygoteProcess) {                                                                          \
                .pid = -1, .control_fd = -1, .words_fd = -1                                        \
        }

struct ZygoteOrder {
        const char *python; /* absolute */
        const char *const *preloads;
        size_t n_preloads;
        const char *const *optional; /* more of them, which may be left out */
        size_t n_optional;
        const char *const *paths; /* of the host, that its runs may read; absolute */
        size_t n_paths;
        uint32_t flags; /* ENV_FLAG_* */
        LayerSet without;
};

/* That the program does not exist or does not start shows as a ZYGOTE_FAILURE on the control
 * socket. */
int zygote_process_start(ZygoteProcess *process, const ZygoteOrder *order, Failure *failure);
/* Kills and forgets it; whoever handles SIGCHLD reaps it. Accepts a null process. */
void zygote_process_kill(ZygoteProcess *process);
