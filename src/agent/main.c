/* SPDX-License-Identifier: MIT */
/*
 * spr-agent: the supervisor next to the interpreter
 *
 * Descriptors 0 and 1 are the stream to the host, 2 is for words to a person who debugs, 3 is a
 * pidfd of the host where it gave one. Everything else that was inherited is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/probe.h"
#include "base/failure.h"
#include "base/fd.h"
#include "wire/frame.h"
#include "wire/messages.h"

enum {
        AGENT_FD_IN = 0,
        AGENT_FD_OUT = 1,
        AGENT_FD_HOST = 3,
        _AGENT_FD_N,
};

/* The pidfd is there or not, as the host could make one. */
static int agent_host_pidfd(void) {
        return fcntl(AGENT_FD_HOST, F_SETFD, FD_CLOEXEC) < 0 ? -1 : AGENT_FD_HOST;
}

/* The host reads frames, and may have thrown away what is said on descriptor 2. */
static int agent_give_up(const Failure *failure) {
        struct {
                FrameHeader header;
                Failure failure;
        } message = {frame_header(FRAME_FAILURE, 0, sizeof(*failure)), *failure};

        (void)fd_write_all(AGENT_FD_OUT, &message, sizeof(message));
        (void)fprintf(stderr, "spr-agent: %s\n", failure->text);
        return 1;
}

/* A descriptor 2 that is closed would be given to something of ours, and written to. */
static void agent_ensure_stderr(void) {
        if (fcntl(STDERR_FILENO, F_GETFD) < 0)
                (void)open("/dev/null", O_WRONLY);
}

static int agent_usage(const char *name) {
        (void)fprintf(stderr,
                      "usage: %s [--remote --python PATH] [--without LAYER[,LAYER...]] | --probe\n"
                      "It is started by libspr. --remote: the host is another machine than this "
                      "one, and\n"
                      "lost when it has been silent for some time; --python: the interpreter "
                      "beside which\n"
                      "it was put. --probe tries the layers of the sandbox; --without leaves some "
                      "out, for\n"
                      "tests and diagnosis, and results say what is missing.\n",
                      name);
        return 2;
}

/* Returns whether they make sense. */
static bool agent_read_options(Agent *agent, int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                const char *value = i + 1 < argc ? argv[i + 1] : NULL;

                if (strcmp(argv[i], "--remote") == 0) {
                        agent->remote = true;
                        continue;
                }
                i++;
                if (!value)
                        return false;
                if (strcmp(argv[i - 1], "--python") == 0)
                        agent->python = value;
                else if (strcmp(argv[i - 1], "--without") != 0 ||
                         !layers_parse(value, &agent->without))
                        return false;
        }
        return !agent->python || agent->python[0] == '/';
}

/* By the marks of Docker and Podman. */
static uint32_t agent_find_out_where(const Agent *agent) {
        static const char *const marks[] = {"/.dockerenv", "/run/.containerenv"};

        if (!agent->remote)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (access(marks[i], F_OK) == 0)
                        return RESULT_FLAG_REMOTE | RESULT_FLAG_CONTAINER;
        return RESULT_FLAG_REMOTE;
}

/* Of a host on this machine, where it gave one. What else has that number was left open by whoever
 * started a remote agent. */
static int agent_take_host(const Agent *agent) {
        unsigned int first = agent->remote ? AGENT_FD_HOST : _AGENT_FD_N;

        (void)syscall(SYS_close_range, first, UINT_MAX, 0u);
        return agent->remote ? -1 : agent_host_pidfd();
}

int main(int argc, char **argv) {
        static Agent agent;
        Failure failure = FAILURE_NULL;
        int host_pidfd;

        if (argc == 2 && strcmp(argv[1], "--probe") == 0)
                return probe_main(STDOUT_FILENO);
        if (!agent_read_options(&agent, argc, argv))
                return agent_usage(argc > 0 ? argv[0] : "spr-agent");
        (void)prctl(PR_SET_NAME, "spr-agent");
        agent_ensure_stderr();
        host_pidfd = agent_take_host(&agent);
        (void)umask(077);
        if (chdir("/") < 0)
                return 1;
        agent.where = agent_find_out_where(&agent);
        nest_enter(&agent.nest, agent.without);
        if (agent_init(&agent, AGENT_FD_IN, AGENT_FD_OUT, host_pidfd, &failure))
                return agent_give_up(&failure);
        agent_loop(&agent);
        agent_deinit(&agent);
        return 0;
}
