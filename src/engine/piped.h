#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Piped: an agent behind any command that ends in a Python on a pipe
 *
 *      docker run -i IMAGE python3      ssh HOST python3      kubectl exec -i POD -- python3
 *
 * The command gets the bootstrap program behind its own words (`-I -S -c PROGRAM`), our stream as
 * standard input and output, a pipe as standard error, and the host's environment; it leads a
 * session of its own, so that it can ask nobody for a password.
 */
#include <stdbool.h>

#include "engine/transport.h"

typedef struct PipedTarget PipedTarget;

struct PipedTarget {
        const char *const *argv; /* NULL-terminated, at least one word */
        bool shell_hop;          /* a shell splits what we append once more: it is quoted */
        const char *agent;       /* path of the agent for this machine, see bootstrap.h */
};

/* Copies @target. Returns 0 or -ENOMEM. */
int piped_transport_new(Transport **transportp, const PipedTarget *target);
