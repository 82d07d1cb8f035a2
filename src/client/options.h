#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Options: what an engine is told at its birth
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "client/blob.h"
#include "client/queue.h"
#include "engine/strings.h"
#include "spr/spr.h"

struct SprEngineOptions {
        char *python; /* as given */
        char *agent;
        Strings command; /* that leads to a Python; empty: @python, on this machine */
        bool shell_hop, exclusive_tmp;
        Buffer preloads; /* NUL-terminated names, one after the other */
        uint32_t n_preloads;
        Failure fault; /* of the first bad name; then no engine is made */
        char *audit_path;
        int audit_fd; /* ours; -1 = none */
        uint64_t startup_timeout_ns;
        uint32_t n_standbys; /* or ENV_STANDBYS_ADAPTIVE */
        QueueLimits queue;
        bool preload_auto;
        bool debug;
};

/* The payload of the ENV_OPEN frame. Returns 0, or -errno with FAILURE_STAGE_REQUEST or
 * FAILURE_STAGE_ENVIRONMENT and the words. */
int options_to_environment(const SprEngineOptions *options, Blob **blobp, Failure *failure);

DEFINE_CLEANUP(SprEngineOptions *, spr_engine_options_free)
