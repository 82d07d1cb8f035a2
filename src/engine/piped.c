/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "engine/bootstrap.h"
#include "engine/piped.h"
#include "engine/shell-quote.h"
#include "engine/spawn.h"
#include "engine/strings.h"

typedef struct PipedTransport {
        Transport transport;
        Strings argv;
        char *agent;
        char *label; /* the command as one names it */
        bool shell_hop;
} PipedTransport;

typedef struct PipedFds {
        int host, command;          /* the two ends of the stream */
        int read_stderr, stderr_fd; /* of the pipe */
} PipedFds;

#define PIPED_FDS_NULL                                                                             \
        (PipedFds) {                                                                               \
                .host = -1, .command = -1, .read_stderr = -1, .stderr_fd = -1                      \
        }

static void piped_fds_deinit(PipedFds *fds) {
        (void)fd_close(fds->host);
        (void)fd_close(fds->command);
        (void)fd_close(fds->read_stderr);
        (void)fd_close(fds->stderr_fd);
}

static int piped_fds_open(PipedFds *fds) {
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        fds->host = pair[0];
        fds->command = pair[1];
        if (pipe2(pair, O_CLOEXEC) < 0)
                return -errno;
        fds->read_stderr = pair[0];
        fds->stderr_fd = pair[1];
        r = fd_set_nonblock(fds->read_stderr, true);
        return r ? r : fd_set_nonblock(fds->host, true);
}

/* The command's words and ours. */
static int piped_argv(const PipedTransport *piped, const char *program, Strings *argv) {
        const char *const ours[] = {"-I", "-S", "-c", program, NULL};
        int r = strings_add_array(argv, strings_array(&piped->argv));

        for (const char *const *word = ours; *word && r == 0; word++)
                r = piped->shell_hop ? strings_add_consume(argv, shell_quote(*word))
                                     : strings_add(argv, *word);
        return r;
}

static int piped_start(const PipedTransport *piped,
                       const Bootstrap *bootstrap,
                       const PipedFds *fds,
                       AgentProcess *process,
                       Failure *failure) {
        _cleanup_(strings_deinitp) Strings argv = STRINGS_NULL;
        SpawnOrder order = {
                .environment = environ,
                .fds = {fds->command, fds->command, fds->stderr_fd},
                .n_fds = 3,
        };
        int r;

        if (piped_argv(piped, bootstrap_program(bootstrap), &argv))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        order.program = argv.items[0];
        order.argv = argv.items;
        r = spawn_session(&order, &process->pid);
        if (r)
                return failure_errno(failure, spawn_stage_of(r), -r, "cannot run '%s'",
                                     order.program);
        process->pidfd = agent_pidfd_open(process->pid);
        if (process->pidfd < 0)
                process->pidfd = -1;
        return 0;
}

static int piped_transport_open(Transport *transport, AgentProcess *process, Failure *failure) {
        PipedTransport *piped = (PipedTransport *)transport;
        _cleanup_(piped_fds_deinit) PipedFds fds = PIPED_FDS_NULL;
        _cleanup_(bootstrap_freep) Bootstrap *bootstrap = NULL;
        AgentProcess new = AGENT_PROCESS_NULL;
        int r;

        r = piped_fds_open(&fds);
        if (r)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot make the descriptors for '%s'", piped->label);
        r = bootstrap_new(&bootstrap, piped->agent, piped->label, fds.read_stderr, failure);
        if (r)
                return r;
        fds.read_stderr = -1;
        r = piped_start(piped, bootstrap, &fds, &new, failure);
        if (r)
                return r;
        new.stream_fd = take_fd(&fds.host);
        new.bootstrap = take_ptr(&bootstrap);
        *process = new;
        return 0;
}

static Transport *piped_transport_free(Transport *transport) {
        PipedTransport *piped = (PipedTransport *)transport;

        strings_deinit(&piped->argv);
        free(piped->agent);
        free(piped->label);
        free(piped);
        return NULL;
}

static char *label_new(const char *const *argv) {
        size_t size = 1;
        char *label, *at;

        for (const char *const *word = argv; *word; word++)
                size += strlen(*word) + 1;
        at = label = malloc(size);
        for (const char *const *word = argv; label && *word; word++) {
                if (word != argv)
                        *at++ = ' ';
                at = stpcpy(at, *word);
        }
        return label;
}

int piped_transport_new(Transport **transportp, const PipedTarget *target) {
        PipedTransport *piped = calloc(1, sizeof(*piped));

        if (!piped)
                return -ENOMEM;
        piped->transport = (Transport){.open = piped_transport_open, .free = piped_transport_free};
        piped->agent = strdup(target->agent);
        piped->label = label_new(target->argv);
        piped->shell_hop = target->shell_hop;
        if (!piped->agent || !piped->label || strings_add_array(&piped->argv, target->argv)) {
                (void)piped_transport_free(&piped->transport);
                return -ENOMEM;
        }
        *transportp = &piped->transport;
        return 0;
}
