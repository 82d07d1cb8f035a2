/* SPDX-License-Identifier: MIT */
/*
 * An option that was not given leaves what the environment says, or the file, the preset, or the
 * default. Lists grow: --env and --read-only add to the file's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/handles.h"
#include "cli/run-policy.h"
#include "cli/status.h"

typedef int (*NumberSetter)(SprPolicy *policy, uint64_t number, SprError *error);

static int numbers_set(SprPolicy *policy, const RunOptions *options, SprError *error) {
        const struct {
                uint64_t number; /* 0: not given */
                NumberSetter set;
        } rows[] = {
                {options->timeout_ns, spr_policy_set_timeout_ns},
                {options->memory_bytes, spr_policy_set_memory_bytes},
                {options->disk_bytes, spr_policy_set_disk_bytes},
                {options->file_bytes, spr_policy_set_file_bytes},
                {options->cpu_ns, spr_policy_set_cpu_ns},
                {options->max_processes, spr_policy_set_max_processes},
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
                if (rows[i].number > 0)
                        r = rows[i].set(policy, rows[i].number, error);
        return r;
}

static int network_set(SprPolicy *policy, const char *network, Fault *fault) {
        bool host = strcmp(network, "host") == 0;

        if (!host && strcmp(network, "none") != 0)
                return fault_set(fault, STATUS_USAGE, "--network '%.64s': not none or host",
                                 network);
        spr_policy_set_host_network(policy, host);
        return 0;
}

static int env_add(SprPolicy *policy, const char *assignment, Fault *fault) {
        _cleanup_(freep) char *name = NULL;
        const char *value = strchr(assignment, '=');
        SprError error = {0};
        int r;

        if (!value)
                return fault_set(fault, STATUS_USAGE, "--env '%.64s': not NAME=VALUE", assignment);
        name = strndup(assignment, (size_t)(value - assignment));
        if (!name)
                return fault_set_oom(fault);
        r = spr_policy_set_env(policy, name, value + 1, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

/* A relative path counts from the working directory, which the code does not share. */
static int path_add(SprPolicy *policy, const char *path, Fault *fault) {
        _cleanup_(freep) char *absolute = NULL;
        SprError error = {0};
        int r;

        if (path[0] != '/') {
                absolute = realpath(path, NULL);
                if (!absolute)
                        return errno == ENOMEM
                                       ? fault_set_oom(fault)
                                       : fault_set(fault, STATUS_USAGE, "--read-only '%.256s': %s",
                                                   path, strerror(errno));
        }
        r = spr_policy_add_read_only_path(policy, absolute ? absolute : path, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

static int list_add(SprPolicy *policy,
                    const OptionList *list,
                    int (*add)(SprPolicy *policy, const char *item, Fault *fault),
                    Fault *fault) {
        int r = 0;

        for (size_t i = 0; i < list->n_items && r == 0; i++)
                r = add(policy, list->items[i], fault);
        return r;
}

static int options_apply(SprPolicy *policy, const RunOptions *options, Fault *fault) {
        SprError error = {0};
        int r;

        r = numbers_set(policy, options, &error);
        if (r)
                return fault_set_error(fault, r, &error);
        if (options->allow_processes)
                spr_policy_set_allow_processes(policy, true);
        if (options->proc)
                spr_policy_set_proc(policy, true);
        if (options->network)
                r = network_set(policy, options->network, fault);
        if (r == 0)
                r = list_add(policy, &options->env, env_add, fault);
        if (r == 0)
                r = list_add(policy, &options->paths, path_add, fault);
        return r;
}

static int base_load(const RunOptions *options, SprPolicy **policyp, SprError *error) {
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        int r;

        if (!options->preset)
                return options->policy ? spr_policy_new_from_file(policyp, options->policy, error)
                                       : spr_policy_new(policyp);
        r = spr_policy_new_from_preset(&policy, options->preset, error);
        if (r == 0 && options->policy)
                r = spr_policy_apply_file(policy, options->policy, error);
        if (r == 0)
                *policyp = take_ptr(&policy);
        return r;
}

int run_policy_load(const RunOptions *options,
                    const char *const *environment,
                    SprPolicy **policyp,
                    Fault *fault) {
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        SprError error = {0};
        int r;

        r = base_load(options, &policy, &error);
        if (r == 0 && environment)
                r = spr_policy_apply_environment(policy, environment, &error);
        if (r)
                return fault_set_error(fault, r, &error);
        r = options_apply(policy, options, fault);
        if (r)
                return r;

        *policyp = take_ptr(&policy);
        return 0;
}
