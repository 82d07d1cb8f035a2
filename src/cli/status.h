#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Exit statuses of spr, as spr(1) lists them
 *
 * 124 … 127 and 137 mean what they mean to timeout(1), env(1), docker and the shell. Code that runs
 * to its own end decides its status itself.
 */
#include <stdbool.h>

#include <spr/spr.h>

enum {
        STATUS_OK = 0,
        STATUS_USAGE = 2,         /* the command line, or a file that it names, is wrong */
        STATUS_TIMEOUT = 124,     /* the code ran out of time */
        STATUS_FAILURE = 125,     /* spr itself failed */
        STATUS_ISOLATION = 126,   /* this machine cannot isolate as strongly as demanded */
        STATUS_INTERPRETER = 127, /* no Python interpreter there, or it does not start */
        STATUS_INTERRUPTED = 130, /* Ctrl-C; 128 + signal for others */
        STATUS_MEMORY = 137,      /* the code ran out of memory */
        STATUS_BROKEN_PIPE = 141, /* the reader of our stdout went away */
};

int status_from_result(const SprResult *result);
/* @r is what a function of libspr returned. */
int status_from_error(int r);

/* Whether spr itself was told to stop. */
static inline bool status_is_signal(int status) {
        return status > 128 && status != STATUS_MEMORY && status != STATUS_BROKEN_PIPE;
}
