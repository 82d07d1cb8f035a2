#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Environments: the interpreters that the agent of an engine keeps warm
 *
 * All are the engine's interpreter with its preloads; they differ in what their runs may reach:
 * the network, and paths of the host. That is fixed before the interpreter forks, so a policy that
 * demands something else gets an environment of its own, at its first run, and finds it warm
 * afterwards.
 *
 * The first one is the engine's own, whose policy demands nothing. It stays; of the others the one
 * that was used longest ago makes room where there are too many.
 *
 * Guarded by the lock of the engine, except demands_new().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/failure.h"
#include "client/blob.h"
#include "policy/policy.h"

typedef struct Environment Environment;
typedef struct Environments Environments;

typedef enum EnvironmentState {
        ENVIRONMENT_NONE, /* not asked for, or failed */
        ENVIRONMENT_OPENING,
        ENVIRONMENT_READY,
} EnvironmentState;

struct Environment {
        unsigned int n_refs; /* the set's, and one per run in flight */
        Blob *demands;       /* NULL: none */
        EnvironmentState state;
        uint64_t id;       /* of its stream; 0 = was never opened */
        uint64_t last_run; /* the highest id of a run in it */
        Failure failure;   /* why it is ENVIRONMENT_NONE */
};

#define ENVIRONMENTS_MAX 16

struct Environments {
        Blob *base; /* the payload of ENV_OPEN without demands */
        Environment *items[ENVIRONMENTS_MAX];
        size_t n_items;
};

/* What @policy demands of an environment: one blob, the same bytes for the same demands; NULL where
 * it demands nothing. Returns 0 or -ENOMEM. */
int demands_new(Blob **demandsp, const Policy *policy);

Environment *environment_ref(Environment *environment);
Environment *environment_unref(Environment *environment);
/* The payload of its ENV_OPEN frame. Returns 0, or -errno with the words. */
int environment_payload(const Environment *environment,
                        const Blob *base,
                        Blob **payloadp,
                        Failure *failure);

/* Returns 0 or -ENOMEM. */
int environments_init(Environments *set, Blob *base);
void environments_deinit(Environments *set);
/* Borrowed; NULL where there is none. */
Environment *environments_find(const Environments *set, const Blob *demands);
Environment *environments_find_id(const Environments *set, uint64_t id);
/* Adds one; there must be room. Returns 0 or -ENOMEM. */
int environments_add(Environments *set, Blob *demands, Environment **environmentp);
/* The one to make room: not the first, without runs, used longest ago. NULL where none is idle. */
Environment *environments_find_idle(const Environments *set);
/* Takes one out; the first only forgets that it was open. */
void environments_drop(Environments *set, Environment *environment, const Failure *why);
/* Drops them all. */
void environments_reset(Environments *set, const Failure *why);

static inline Environment *environments_first(const Environments *set) {
        return set->items[0];
}

static inline bool environments_full(const Environments *set) {
        return set->n_items == ENVIRONMENTS_MAX;
}

DEFINE_CLEANUP(Environment *, environment_unref)
