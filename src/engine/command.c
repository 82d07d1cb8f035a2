/* SPDX-License-Identifier: MIT */
/*
 * Running a helper program
 *
 * The end of a command is the end of its process, not of its output: a helper may leave a child
 * behind that holds the pipe. So a pidfd is polled beside the pipe, and once the process is gone
 * only what the pipe holds at that moment is read. Where there are no pidfds (old kernels, some
 * containers' seccomp filters), the process is looked at every few milliseconds instead.
 *
 * The host may ignore or block signals (Python ignores SIGPIPE): the helper starts with nothing
 * blocked and with SIGPIPE and SIGCHLD at their defaults, else pip dies in odd ways or never.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/command.h"

#define LOOK_MS 20

typedef struct LineReader {
        const CommandOptions *options;
        CommandResult *result;
        size_t length;
        char line[COMMAND_LINE_MAX + 1];
} LineReader;

/* output, line by line */

static void tail_append(CommandResult *result, const char *line, size_t length) {
        size_t room = COMMAND_TAIL_MAX - result->tail_length;

        if (length + 1 > room) {
                size_t excess = length + 1 - room;
                const char *newline =
                        memchr(result->tail + excess - 1, '\n', result->tail_length - excess + 1);
                size_t start = newline ? (size_t)(newline - result->tail) + 1 : excess;

                memmove(result->tail, result->tail + start, result->tail_length - start);
                result->tail_length -= start;
        }
        memcpy(result->tail + result->tail_length, line, length);
        result->tail_length += length;
        result->tail[result->tail_length++] = '\n';
        result->tail[result->tail_length] = '\0';
}

static void reader_flush(LineReader *reader) {
        while (reader->length > 0 && reader->line[reader->length - 1] == ' ')
                --reader->length;
        if (reader->length == 0)
                return;
        reader->line[reader->length] = '\0';
        tail_append(reader->result, reader->line, reader->length);
        if (reader->options->line)
                reader->options->line(reader->options->userdata, reader->line);
        reader->length = 0;
}

/* A carriage return ends a line too: progress bars. What else could steer a terminal becomes a
 * blank, since the text may come from a package's author. */
static void reader_feed(LineReader *reader, const char *bytes, size_t length) {
        for (size_t i = 0; i < length; ++i) {
                char c = bytes[i];

                if (c == '\n' || c == '\r') {
                        reader_flush(reader);
                        continue;
                }
                if ((unsigned char)c < 0x20 || c == 0x7f)
                        c = ' ';
                reader->line[reader->length++] = c;
                if (reader->length == COMMAND_LINE_MAX)
                        reader_flush(reader);
        }
}

/* One read; true at the end of the output, or where nothing is there (@fd does not block). */
static bool reader_read(LineReader *reader, int fd) {
        char bytes[4096];
        ssize_t n = fd_read(fd, bytes, sizeof(bytes));

        if (n > 0)
                reader_feed(reader, bytes, (size_t)n);
        return n <= 0 && n != -EAGAIN;
}

static void reader_drain(LineReader *reader, int fd) {
        char bytes[4096];
        ssize_t n;

        while ((n = fd_read(fd, bytes, sizeof(bytes))) > 0)
                reader_feed(reader, bytes, (size_t)n);
}

/* starting */

static int spawn_prepare_signals(posix_spawnattr_t *attributes) {
        sigset_t none, defaults;
        int r;

        (void)sigemptyset(&none);
        (void)sigemptyset(&defaults);
        (void)sigaddset(&defaults, SIGPIPE);
        (void)sigaddset(&defaults, SIGCHLD);
        r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &defaults);
        if (r == 0)
                r = posix_spawnattr_setflags(attributes,
                                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        return r;
}

/* The host's descriptors are closed, also those that it forgot to mark close-on-exec. */
static int spawn_prepare_files(posix_spawn_file_actions_t *actions, int output_fd) {
        int r = posix_spawn_file_actions_adddup2(actions, output_fd, STDOUT_FILENO);

        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
        if (r == 0) /* last: where the host has no stdin, @output_fd may be 0 */
                r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY,
                                                     0);
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
        if (r == 0)
                r = posix_spawn_file_actions_addchdir_np(actions, "/");
        return r;
}

static int spawn(const CommandOptions *options, int output_fd, pid_t *pidp) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = spawn_prepare_signals(&attributes);
                if (r == 0)
                        r = spawn_prepare_files(&actions, output_fd);
                if (r == 0)
                        r = posix_spawn(pidp, options->argv[0], &actions, &attributes,
                                        (char *const *)(uintptr_t)options->argv,
                                        (char *const *)(uintptr_t)options->environment);
                (void)posix_spawn_file_actions_destroy(&actions);
        }
        (void)posix_spawnattr_destroy(&attributes);
        return -r;
}

/* waiting */

/* @at_most_ms -1: for ever. */
static int poll_timeout_ms(uint64_t deadline_ns, int at_most_ms) {
        uint64_t now, ms;

        if (deadline_ns == UINT64_MAX)
                return at_most_ms;
        now = clock_now_ns();
        if (now >= deadline_ns)
                return 0;
        ms = (deadline_ns - now) / NSEC_PER_MSEC + 1;
        if (at_most_ms < 0)
                at_most_ms = INT_MAX;
        return ms > (uint64_t)at_most_ms ? at_most_ms : (int)ms;
}

/* True also where it cannot be known: command_reap() will say why. */
static bool process_has_ended(pid_t pid) {
        siginfo_t info = {.si_pid = 0};

        return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

/* Returns at the end of the process or at the deadline. */
static void command_pump(LineReader *reader, int output_fd, pid_t pid, uint64_t deadline_ns) {
        _cleanup_(closep) int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd fds[] = {
                {.fd = output_fd, .events = POLLIN},
                {.fd = pid_fd, .events = POLLIN}, /* negative: ignored */
        };

        for (;;) {
                int n = poll(fds, 2, poll_timeout_ms(deadline_ns, pid_fd < 0 ? LOOK_MS : -1));

                if (n < 0 && errno != EINTR)
                        return;
                if (pid_fd < 0 ? process_has_ended(pid) : n > 0 && fds[1].revents)
                        break;
                if (n > 0 && fds[0].revents && reader_read(reader, output_fd))
                        fds[0].fd = -1; /* it closed its output and lives on */
                if (clock_now_ns() >= deadline_ns) {
                        reader->result->timed_out = true;
                        return;
                }
        }
        reader_drain(reader, output_fd);
}

static int command_reap(pid_t pid, CommandResult *result) {
        int status = 0;
        pid_t r;

        do
                r = waitpid(pid, &status, 0);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        if (WIFSIGNALED(status)) {
                result->signal = WTERMSIG(status);
                result->exit_status = 128 + result->signal;
        } else {
                result->exit_status = WEXITSTATUS(status);
        }
        return 0;
}

int command_run(const CommandOptions *options, CommandResult *result, Failure *failure) {
        _cleanup_(closep) int output_fd = -1, write_fd = -1;
        uint64_t deadline_ns =
                options->timeout_ns ? clock_now_ns() + options->timeout_ns : UINT64_MAX;
        LineReader reader = {.options = options, .result = result};
        int pipe_fds[2], r;
        pid_t pid;

        *result = COMMAND_RESULT_NULL;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno, "cannot make a pipe");
        output_fd = pipe_fds[0];
        write_fd = pipe_fds[1];
        r = fd_set_nonblock(output_fd, true);
        /* under valgrind or qemu-user posix_spawn() cannot tell; it would be an exit status 127 */
        if (r == 0 && access(options->argv[0], X_OK) < 0)
                r = -errno;
        if (r == 0)
                r = spawn(options, write_fd, &pid);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, -r, "cannot start '%s'",
                                     options->argv[0]);
        write_fd = fd_close(write_fd);
        command_pump(&reader, output_fd, pid, deadline_ns);
        if (result->timed_out)
                (void)kill(pid, SIGKILL); /* our child, not yet waited for: the pid is its own */
        output_fd = fd_close(output_fd);  /* a helper that goes on writing must not block us */
        reader_flush(&reader);
        r = command_reap(pid, result);
        if (r == -ECHILD)
                return failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ECHILD,
                                   "cannot learn how '%s' ended: this process ignores SIGCHLD or "
                                   "waits for children that are not its own",
                                   options->argv[0]);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, -r, "cannot wait for '%s'",
                                     options->argv[0]);
        return 0;
}

void command_result_summary(const CommandResult *result, char *text, size_t size) {
        size_t start, out = 0;

        if (size == 0)
                return;
        /* a newline becomes two bytes; blanks in a row become one */
        start = result->tail_length;
        for (size_t room = size; start > 0; --start) {
                size_t needed = result->tail[start - 1] == '\n' ? 2 : 1;

                if (needed > room)
                        break;
                room -= needed;
        }
        while (start < result->tail_length && ((unsigned char)result->tail[start] & 0xc0) == 0x80)
                ++start; /* not in the middle of a character */
        for (; start + 1 < result->tail_length; ++start) {
                char c = result->tail[start];

                if (c == '\n') {
                        text[out++] = ';';
                        text[out++] = ' ';
                } else if (c != ' ' || (out > 0 && text[out - 1] != ' ')) {
                        text[out++] = c;
                }
        }
        text[out] = '\0';
}
