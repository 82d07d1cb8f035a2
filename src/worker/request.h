#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Request: what the agent asks one worker to run
 */
#include <stdint.h>

#include "base/failure.h"
#include "wire/messages.h"
#include "worker/pyapi.h"

typedef struct Request Request;

#define REQUEST_DEFAULT_NAME "<code>"

enum {
        _REQUEST_E_SUCCESS,
        REQUEST_E_NONE, /* the agent hung up: no request will come */
};

struct Request {
        WorkerRunFrame frame; /* sizes, checked against the region's */
        PyObject *code;       /* bytes */
        PyObject *input;      /* bytes */
        PyObject *policy;     /* bytes */
        PyObject *name;       /* str, without NUL, never empty */
};

#define REQUEST_NULL                                                                               \
        (Request) {                                                                                \
                .code = NULL                                                                       \
        }

/* Waits for the WORKER_RUN for worker @worker_id. Returns 0, REQUEST_E_NONE, or -errno with
 * @failure. */
int request_receive(Request *request, int socket_fd, uint64_t worker_id, Failure *failure);
/* Fetches the request's bytes. 0, or -1 with an exception set. */
int request_read(Request *request, int region_fd);
