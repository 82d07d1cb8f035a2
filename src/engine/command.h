#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Command: run one helper program to its end (uv, python -m venv, pip)
 *
 * Host process, in the caller's thread. No shell, no inherited descriptors, standard input from
 * /dev/null, working directory "/": what lies in the caller's directory (a venv.py, a uv.toml) is
 * never picked up. stdout and stderr are one stream, read line by line as it comes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

typedef struct CommandOptions CommandOptions;
typedef struct CommandResult CommandResult;

/* One line of output without its newline; control characters are blanks already. */
typedef void (*CommandLineFn)(void *userdata, const char *line);

#define COMMAND_LINE_MAX 1024 /* a longer line comes in pieces */
#define COMMAND_TAIL_MAX 8192

struct CommandOptions {
        const char *const *argv;        /* NULL-terminated; argv[0] is an absolute path */
        const char *const *environment; /* NULL-terminated */
        uint64_t timeout_ns;            /* 0: as long as it takes */
        CommandLineFn line;             /* NULL: nobody listens */
        void *userdata;
};

struct CommandResult {
        int exit_status; /* 0 … 255; 128 + number where a signal ended it */
        int signal;      /* that number, else 0 */
        bool timed_out;  /* it was killed at the timeout */
        size_t tail_length;
        char tail[COMMAND_TAIL_MAX + 1]; /* the last lines, each with its newline */
};

#define COMMAND_RESULT_NULL                                                                        \
        (CommandResult) {                                                                          \
                .exit_status = 0                                                                   \
        }

/* Runs it and waits. It stays in the caller's process group, so that Ctrl-C reaches it too. A
 * program that ran is 0, whatever its exit status; a negative errno, with words, where it could
 * not be started or its status could not be learnt. What it leaves running is not waited for. */
int command_run(const CommandOptions *options, CommandResult *result, Failure *failure);

/* The last lines of output that are not empty, joined by "; ", at most @size - 1 bytes, cut at
 * their beginning. Writes at least a NUL. */
void command_result_summary(const CommandResult *result, char *text, size_t size);
