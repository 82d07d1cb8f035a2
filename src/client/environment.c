/* SPDX-License-Identifier: MIT */
/*
 * Demands are the two fields of ENV_OPEN that a policy sets, then the paths as they follow there,
 * sorted: so the payload is the engine's with these put in, and equal demands are equal bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "client/environment.h"
#include "wire/frame.h"
#include "wire/messages.h"

typedef struct DemandsHead {
        uint32_t flags;
        uint32_t n_paths;
} DemandsHead;

static int path_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int demands_add_paths(Buffer *buffer, const StringList *paths) {
        _cleanup_(freep) char **sorted = NULL;
        int r = 0;

        if (paths->n_items == 0)
                return 0;
        sorted = reallocarray(NULL, paths->n_items, sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        memcpy(sorted, paths->items, paths->n_items * sizeof(*sorted));
        qsort(sorted, paths->n_items, sizeof(*sorted), path_compare);
        for (size_t i = 0; i < paths->n_items && !r; ++i)
                r = buffer_append(buffer, sorted[i], strlen(sorted[i]) + 1);
        return r;
}

int demands_new(Blob **demandsp, const Policy *policy) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        DemandsHead head = {
                .flags = policy->network == POLICY_NETWORK_HOST ? ENV_FLAG_HOST_NETWORK : 0u,
                .n_paths = (uint32_t)policy->read_only_paths.n_items,
        };
        int r;

        if (head.flags == 0 && head.n_paths == 0) {
                *demandsp = NULL;
                return 0;
        }
        buffer_init(&buffer, SIZE_MAX / 2); /* the policy is bounded */
        r = buffer_append(&buffer, &head, sizeof(head));
        if (!r)
                r = demands_add_paths(&buffer, &policy->read_only_paths);
        if (!r)
                r = blob_new(demandsp, buffer_bytes(&buffer), buffer_length(&buffer));
        return r ? -ENOMEM : 0;
}

static bool demands_equal(const Blob *a, const Blob *b) {
        if (!a || !b)
                return a == b;
        return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

Environment *environment_ref(Environment *environment) {
        ++environment->n_refs;
        return environment;
}

Environment *environment_unref(Environment *environment) {
        if (!environment || --environment->n_refs > 0)
                return NULL;
        (void)blob_unref(environment->demands);
        free(environment);
        return NULL;
}

int environment_payload(const Environment *environment,
                        const Blob *base,
                        Blob **payloadp,
                        Failure *failure) {
        _cleanup_(buffer_deinitp) Buffer buffer = BUFFER_NULL;
        const Blob *demands = environment->demands;
        DemandsHead head = {.flags = 0};
        EnvOpenFrame frame;
        int r;

        memcpy(&frame, base->bytes, sizeof(frame));
        if (demands)
                memcpy(&head, demands->bytes, sizeof(head));
        frame.flags |= head.flags;
        frame.n_paths = head.n_paths;
        buffer_init(&buffer, FRAME_PAYLOAD_MAX);
        r = buffer_append(&buffer, &frame, sizeof(frame));
        if (!r)
                r = buffer_append(&buffer, base->bytes + sizeof(frame), base->size - sizeof(frame));
        if (!r && demands)
                r = buffer_append(&buffer, demands->bytes + sizeof(head),
                                  demands->size - sizeof(head));
        if (r == BUFFER_E_FULL)
                return failure_set(failure, FAILURE_STAGE_REQUEST, E2BIG,
                                   "the policy's read_only_paths are too long");
        if (!r)
                r = blob_new(payloadp, buffer_bytes(&buffer), buffer_length(&buffer));
        return r ? failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory") : 0;
}

int environments_init(Environments *set, Blob *base) {
        Environment *first;
        int r;

        *set = (Environments){.n_items = 0};
        r = environments_add(set, NULL, &first);
        if (r)
                return r;
        set->base = blob_ref(base);
        return 0;
}

void environments_deinit(Environments *set) {
        for (size_t i = 0; i < set->n_items; ++i)
                (void)environment_unref(set->items[i]);
        set->n_items = 0;
        set->base = blob_unref(set->base);
}

Environment *environments_find(const Environments *set, const Blob *demands) {
        for (size_t i = 0; i < set->n_items; ++i)
                if (demands_equal(set->items[i]->demands, demands))
                        return set->items[i];
        return NULL;
}

Environment *environments_find_id(const Environments *set, uint64_t id) {
        for (size_t i = 0; i < set->n_items; ++i)
                if (set->items[i]->id == id)
                        return set->items[i];
        return NULL;
}

int environments_add(Environments *set, Blob *demands, Environment **environmentp) {
        Environment *environment = calloc(1, sizeof(*environment));

        if (!environment)
                return -ENOMEM;
        environment->n_refs = 1;
        environment->demands = blob_ref(demands);
        set->items[set->n_items++] = environment;
        *environmentp = environment;
        return 0;
}

Environment *environments_find_idle(const Environments *set) {
        Environment *idle = NULL;

        for (size_t i = 1; i < set->n_items; ++i)
                if (set->items[i]->n_refs == 1 &&
                    (!idle || set->items[i]->last_run < idle->last_run))
                        idle = set->items[i];
        return idle;
}

void environments_drop(Environments *set, Environment *environment, const Failure *why) {
        size_t i = 1;

        environment->state = ENVIRONMENT_NONE;
        environment->failure = *why;
        if (environment == environments_first(set))
                return;
        while (set->items[i] != environment)
                ++i;
        set->items[i] = set->items[--set->n_items];
        (void)environment_unref(environment);
}

void environments_reset(Environments *set, const Failure *why) {
        while (set->n_items > 1)
                environments_drop(set, set->items[set->n_items - 1], why);
        environments_drop(set, environments_first(set), why);
}
