#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Bootstrap: from a Python on a pipe to spr-agent at the other end of it
 *
 *      WAITING ──► SENDING ──► STARTING ──► OVER
 *      for the     spr-agent   for its      the stream is the agent's
 *      token       goes over   first word
 *
 * Whatever the command says before the token (a banner, a message of the day) is skipped, and
 * quoted where nothing else comes. Its standard error is a pipe of ours, of which the last words
 * are kept: they say best why a command has ended.
 *
 * Host process; never blocks. All that comes in is hostile.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

typedef struct Bootstrap Bootstrap;
typedef struct Failure Failure;

#define BOOTSTRAP_NOISE_MAX ((size_t)64 * 1024)

/* @agent: path of the agent for this machine; for another one that path and "-<machine>", as
 * uname(2) calls it. @command: what to call it in words. Takes @stderr_fd (non-blocking, -1 = none)
 * over on success. Returns 0 or -errno with the words in @failure. */
int bootstrap_new(Bootstrap **bootstrapp,
                  const char *agent,
                  const char *command,
                  int stderr_fd,
                  Failure *failure);
Bootstrap *bootstrap_free(Bootstrap *bootstrap);

/* What to append to the command, after its own words. Valid as long as @bootstrap is. */
const char *bootstrap_program(const Bootstrap *bootstrap);

/* Judges what has come in so far and not been consumed. Returns 0 or -errno with the words. */
int bootstrap_read(Bootstrap *bootstrap,
                   const uint8_t *bytes,
                   size_t length,
                   size_t *consumedp,
                   Failure *failure);
/* Whether there is something to write. */
bool bootstrap_is_pending(const Bootstrap *bootstrap);
/* Writes what @fd takes. Returns 0 or -errno. */
int bootstrap_write(Bootstrap *bootstrap, int fd);
/* All of the agent is on its way: what is written now is for it. */
bool bootstrap_has_sent(const Bootstrap *bootstrap);
/* The stream is the agent's. */
bool bootstrap_is_over(const Bootstrap *bootstrap);

/* Takes what the command has written to its standard error, so that it never waits for us. */
void bootstrap_listen(Bootstrap *bootstrap);
/* The command has ended: says what it said. @bytes: what came in and was not consumed. Returns
 * -@code. */
int bootstrap_explain(
        Bootstrap *bootstrap, const uint8_t *bytes, size_t length, int code, Failure *failure);

DEFINE_CLEANUP(Bootstrap *, bootstrap_free)
