#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Request: code, input and policy, ready to be sent any number of times
 *
 * All four parts are blobs, so a submission copies no bytes. What is too large or not JSON is kept
 * out at once and remembered; the submission then fails with the words.
 */
#include <stdint.h>

#include "base/attr.h"
#include "base/failure.h"
#include "client/audit-line.h"
#include "client/blob.h"
#include "client/environment.h"
#include "client/outbox.h"
#include "policy/policy.h"
#include "spr/spr.h"
#include "wire/messages.h"

/* Deeper input cannot be read by the worker's json. */
#define REQUEST_DEPTH_MAX 900

struct SprRequest {
        Blob *parts[UPLOAD_PARTS]; /* by DataChannel; NULL = not set */
        Failure faults[UPLOAD_PARTS];
        SubmitFrame limits; /* the fields that the policy decides */
        Blob *demands;      /* of the policy on the environment */
        Policy rest;        /* what of the policy is not in DATA_POLICY; for the audit log */
        void *userdata;
};

/* Fills @submit, and @parts and @demandsp with references. Returns 0 or -errno with the words. */
int request_prepare(const SprRequest *request,
                    SubmitFrame *submit,
                    Blob *parts[static UPLOAD_PARTS],
                    Blob **demandsp,
                    Failure *failure);

/* The hashes of what is asked for. Takes time by the size. Returns 0 or -errno with the words. */
int request_digest(const SprRequest *request, AuditDigests *digests, Failure *failure);

DEFINE_CLEANUP(SprRequest *, spr_request_free)
