#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Agent host: a whole agent in a child of the test, and the host's end of its stream
 *
 * The agent is the code under test, forked, not the program; its zygotes are real. So a
 * conversation is a list of calls here: send a frame, expect a frame. Whatever does not happen
 * within HOST_PATIENCE_S ends the test program by SIGALRM. SPR_TEST_PATIENCE says how many times
 * slower than usual the machine is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/failure.h"
#include "base/fd.h"
#include "wire/frame.h"
#include "wire/messages.h"
#include "wire/outcome.h"

#define HOST_PYTHON      "/usr/bin/python3"
#define HOST_POLICY      "{\"mode\":\"restrict\"}"
#define HOST_PATIENCE_S  60
#define HOST_ENVIRONMENT 1
#define STEADY_LOOKS     30
#define STEADY_LOOK_MS   10

typedef struct HostAnswer {
        FrameHeader header;
        uint8_t payload[FRAME_PAYLOAD_MAX + 1]; /* and a NUL */
} HostAnswer;

/* What a run came to: RESULT with its DATA, or FAILURE. */
typedef struct HostResult {
        bool failed;
        Failure failure;
        ResultFrame frame;
        char *data[_DATA_CHANNEL_N]; /* NUL-terminated */
        size_t n_data[_DATA_CHANNEL_N];
} HostResult;

static int host_fd = -1;
static pid_t host_agent = -1;
static HostAnswer host_last;
static uint32_t host_env_flags;     /* of the environments to come */
static uint32_t host_n_standbys;    /* of the environments to come */
static uint32_t host_n_zygotes_max; /* of an environment; 0 = as usual */
static uint32_t host_n_forks_max;   /* of the zygotes of the agent to come; 0 = as usual */
static const SubmitFrame host_submit_default = {
        .environment = HOST_ENVIRONMENT,
        .timeout_ns = UINT64_C(20000000000),
        .memory_bytes = UINT64_C(512) << 20,
        .output_bytes = 128 * 1024,
        .result_bytes = 1024 * 1024,
        .disk_bytes = UINT64_C(64) << 20,
        .file_bytes = UINT64_C(64) << 20,
        .max_processes = 64,
};

/* in the child */

static inline _Noreturn void host_agent_main(int in_fd, int out_fd, int host_pidfd, bool nested) {
        static Agent agent;
        Failure failure;

        (void)alarm(0);

        if (nested)
                nest_enter(&agent.nest, 0);
        agent.n_forks_max = host_n_forks_max;
        agent.n_zygotes_max = host_n_zygotes_max;
        if (agent_init(&agent, in_fd, out_fd, host_pidfd, &failure)) {
                (void)fprintf(stderr, "agent: %s\n", failure.text);
                _exit(1);
        }
        agent_loop(&agent);
        agent_deinit(&agent);
        _exit(0);
}

/* in the test */

static inline unsigned int host_patience_s(void) {
        const char *factor = getenv("SPR_TEST_PATIENCE");

        return HOST_PATIENCE_S * (factor ? (unsigned int)strtoul(factor, NULL, 10) : 1);
}

/* @in_fd, @out_fd: the agent's, closed here; @theirs: ours, which the agent must not hold. */
static inline void
host_fork(int in_fd, int out_fd, const int theirs[2], int host_pidfd, bool nested) {
        (void)alarm(host_patience_s());
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        host_agent = fork();
        if (host_agent == 0) {
                (void)close(theirs[0]);
                (void)close(theirs[1]);
                host_agent_main(in_fd, out_fd, host_pidfd, nested);
        }
        (void)close(in_fd);
        (void)close(out_fd);
}

static inline void host_start_watched(int host_pidfd, bool nested) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        host_fork(pair[1], dup(pair[1]), (int[]){pair[0], -1}, host_pidfd, nested);
        host_fd = pair[0];
}

static inline void host_start_kind(bool nested) {
        host_start_watched(-1, nested);
}

/* In one piece: an agent that objects to the header does not wait for the rest. */
static inline void host_send(FrameHeader header, const void *payload) {
        static uint8_t frame[sizeof(header) + FRAME_PAYLOAD_MAX];

        assert_true(header.length <= FRAME_PAYLOAD_MAX);
        memcpy(frame, &header, sizeof(header));
        if (payload)
                memcpy(frame + sizeof(header), payload, header.length);
        assert_int_equal(fd_write_all(host_fd, frame, sizeof(header) + header.length), 0);
}

/* Returns false at the end of the stream. */
static inline bool host_read(void *bytes, size_t length) {
        char *at = bytes;

        while (length > 0) {
                ssize_t n = fd_read(host_fd, at, length);

                if (n == 0 || n == -ECONNRESET)
                        return false;
                assert_true(n > 0);
                at += n;
                length -= (size_t)n;
        }
        return true;
}

static inline bool host_receive(void) {
        if (!host_read(&host_last.header, sizeof(host_last.header)))
                return false;
        assert_int_equal(
                frame_check(&host_last.header, SENDER_AGENT_TO_HOST,
                            host_last.header.type == FRAME_WELCOME ? WIRE_GREETING : WIRE_OPEN,
                            NULL),
                0);
        assert_true(host_read(host_last.payload, host_last.header.length));
        host_last.payload[host_last.header.length] = '\0';
        return true;
}

static inline void host_expect(FrameType type, uint64_t stream) {
        assert_true(host_receive());
        if (host_last.header.type != type)
                fail_msg("%s came, %s was expected: %s", frame_name(host_last.header.type),
                         frame_name(type),
                         host_last.header.type == FRAME_FAILURE
                                 ? ((const Failure *)(const void *)host_last.payload)->text
                                 : "");
        assert_int_equal(host_last.header.stream, stream);
}

static inline void host_expect_end(void) {
        assert_false(host_receive());
}

static inline void host_expect_failure(uint64_t stream, const char *words) {
        const Failure *failure = (const void *)host_last.payload;

        host_expect(FRAME_FAILURE, stream);
        if (!strstr(failure->text, words))
                fail_msg("'%s' lacks '%s'", failure->text, words);
        assert_true(failure->stage > FAILURE_STAGE_NONE && failure->stage < _FAILURE_STAGE_N);
}

static inline void host_hello(void) {
        HelloFrame hello = {.magic = WIRE_MAGIC, .major = WIRE_VERSION_MAJOR};

        host_send(frame_header(FRAME_HELLO, 0, sizeof(hello)), &hello);
        host_expect(FRAME_WELCOME, 0);
}

/* @strings: the interpreter and the preloads, each with its NUL. */
static inline void
host_env_open(uint64_t id, const char *strings, size_t length, uint32_t n, uint64_t timeout_ns) {
        EnvOpenFrame open = {.startup_timeout_ns = timeout_ns,
                             .n_preloads = n,
                             .flags = host_env_flags,
                             .n_standbys = host_n_standbys};
        char payload[4096];

        assert_true(length < sizeof(payload) - sizeof(open));
        memcpy(payload, &open, sizeof(open));
        memcpy(payload + sizeof(open), strings, length);
        host_send(frame_header(FRAME_ENV_OPEN, id, sizeof(open) + length), payload);
}

static inline void host_open_python(void) {
        host_env_open(HOST_ENVIRONMENT, HOST_PYTHON, sizeof(HOST_PYTHON), 0, UINT64_MAX);
        host_expect(FRAME_ENV_READY, HOST_ENVIRONMENT);
}

/* An agent that has been greeted and has its environment 1. */
static inline int host_setup(void **state) {
        (void)state;
        host_start_kind(true);
        host_hello();
        host_open_python();
        return 0;
}

static inline int host_setup_bare(void **state) {
        (void)state;
        host_start_kind(true);
        host_hello();
        return 0;
}

/* The agent has ended with all that it has started: none has become our child and lives on. */
static inline void host_expect_gone(void) {
        int status = 0;

        assert_int_equal(waitpid(host_agent, &status, 0), host_agent);
        while (waitpid(-1, &status, 0) > 0)
                ;
        assert_int_equal(errno, ECHILD);
        (void)alarm(0);
}

static inline int host_teardown(void **state) {
        (void)state;
        host_fd = fd_close(host_fd);
        host_expect_gone();
        return 0;
}

/* With the policy that blocks nothing. */
static inline void host_submit_with(uint64_t id, SubmitFrame submit, const char *code) {
        submit.code_size = strlen(code);
        submit.policy_size = strlen(HOST_POLICY);
        host_send(frame_header(FRAME_SUBMIT, id, sizeof(submit)), &submit);
        host_send(frame_data_header(DATA_POLICY, false, id, strlen(HOST_POLICY)), HOST_POLICY);
        for (size_t at = 0; at < submit.code_size; at += FRAME_PAYLOAD_MAX) {
                size_t n = min_size(submit.code_size - at, FRAME_PAYLOAD_MAX);

                host_send(frame_data_header(DATA_CODE, at + n == submit.code_size, id, n),
                          code + at);
        }
}

static inline void host_submit(uint64_t id, const char *code) {
        host_submit_with(id, host_submit_default, code);
}

static inline void host_cancel(uint64_t id) {
        host_send(frame_header(FRAME_CANCEL, id, 0), NULL);
}

static inline void host_result_deinit(HostResult *result) {
        for (size_t i = 0; i < _DATA_CHANNEL_N; ++i)
                free(result->data[i]);
}

static inline void host_result_add(HostResult *result, DataChannel channel) {
        size_t length = host_last.header.length;
        char *grown = realloc(result->data[channel], result->n_data[channel] + length + 1);

        assert_non_null(grown);
        memcpy(grown + result->n_data[channel], host_last.payload, length + 1);
        result->data[channel] = grown;
        result->n_data[channel] += length;
}

/* Takes one frame into the result of a run; true when it was the last. Grants credit for what
 * comes. */
static inline bool host_result_take(HostResult *result) {
        CreditFrame credit = {.bytes = host_last.header.length};

        switch (host_last.header.type) {
        case FRAME_FAILURE:
                result->failed = true;
                memcpy(&result->failure, host_last.payload, sizeof(result->failure));
                return true;
        case FRAME_RESULT:
                memcpy(&result->frame, host_last.payload, sizeof(result->frame));
                return false;
        case FRAME_DATA:
                host_result_add(result, host_last.header.flags & FRAME_CHANNEL_MASK);
                if (host_last.header.flags & FRAME_FLAG_END)
                        return true;
                host_send(frame_header(FRAME_CREDIT, host_last.header.stream, sizeof(credit)),
                          &credit);
                return false;
        default:
                return false;
        }
}

/* Everything else that comes meanwhile belongs to run @id. */
static inline void host_result(uint64_t id, HostResult *result) {
        *result = (HostResult){0};
        do {
                assert_true(host_receive());
                assert_int_equal(host_last.header.stream, id);
        } while (!host_result_take(result));
}

/* Until the result of some run, whichever, is there. */
static inline void host_skip_result(void) {
        do
                assert_true(host_receive());
        while (host_last.header.type != FRAME_FAILURE &&
               !(host_last.header.type == FRAME_DATA && host_last.header.flags & FRAME_FLAG_END));
}

/* Runs @code and expects @json as its result, NULL for none. */
static inline void host_run(uint64_t id, const char *code, const char *json) {
        _cleanup_(host_result_deinit) HostResult result;

        host_submit(id, code);
        host_result(id, &result);
        if (result.failed)
                fail_msg("run failed: %s", result.failure.text);
        if (json && result.data[DATA_ERROR])
                fail_msg("run raised: %s", result.data[DATA_ERROR]);
        if (json)
                assert_string_equal(result.data[DATA_RESULT], json);
        else
                assert_null(result.data[DATA_RESULT]);
}

/* the processes of the agent, as the test sees them */

static inline pid_t host_child_of(pid_t parent, const char *name, const pid_t except) {
        char path[64], comm[32], line[4096], *end;
        int fd;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : fd_read(fd, line, sizeof(line) - 1);
        (void)fd_close(fd);
        line[n > 0 ? n : 0] = '\0';
        for (char *p = line;; p = end) {
                pid_t pid = (pid_t)strtol(p, &end, 10);

                if (end == p)
                        return -1;
                (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                n = fd < 0 ? 0 : fd_read(fd, comm, sizeof(comm) - 1);
                (void)fd_close(fd);
                comm[n > 0 ? n - 1 : 0] = '\0';
                if (pid != except && !strcmp(comm, name))
                        return pid;
                if ((pid = host_child_of(pid, name, except)) > 0)
                        return pid;
        }
}

/* Waits for it: the kernel's list of children may lack some while another one ends. */
static inline pid_t host_await_child_of(pid_t parent) {
        pid_t pid;

        do
                pid = host_child_of(parent, "spr-zygote", -1);
        while (pid < 0);
        return pid;
}

static inline pid_t host_zygote(void) {
        return host_await_child_of(host_agent);
}

/* Waits until the workers of runs that are over are gone. */
static inline void host_wait_idle(void) {
        while (host_child_of(host_zygote(), "spr-zygote", -1) > 0)
                ;
}

/* The worker of the only run; waits until the zygote has made it. */
static inline pid_t host_worker(void) {
        return host_await_child_of(host_zygote());
}

/* The zygote's children: where no run is in progress, standbys. */
static inline unsigned int host_count_workers(void) {
        int zygote = (int)host_zygote();
        char path[64], line[4096];
        unsigned int n = 0;
        ssize_t length;
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", zygote, zygote);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        length = fd_read(fd, line, sizeof(line));
        (void)fd_close(fd);
        for (ssize_t i = 0; i < length; ++i)
                n += line[i] == ' ';
        return n;
}

/* Until there are @n for some time: a worker whose run is over is a child, too, until it is reaped.
 */
static inline void host_wait_workers(unsigned int n) {
        for (unsigned int looks = 0; looks < STEADY_LOOKS;) {
                (void)poll(NULL, 0, STEADY_LOOK_MS);
                looks = host_count_workers() == n ? looks + 1 : 0;
        }
}
