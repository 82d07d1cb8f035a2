/* SPDX-License-Identifier: MIT */
/*
 * The public SprPolicy is a Policy behind an opaque name; these functions only turn Failures into
 * errors.
 */
#include "client/error.h"
#include "policy/policy.h"

/* A policy that could not be made: the words, and memory told apart. */
static int policy_error(SprError *error, const Failure *failure, int r) {
        if (r == 0)
                return 0;
        if (failure->stage != FAILURE_STAGE_NONE)
                return error_from_failure(error, failure);
        return error_from_errno(error, r);
}

_public_ int spr_policy_new(SprPolicy **policyp) {
        Policy *policy;
        int r = policy_new(&policy);

        if (!r)
                *policyp = (SprPolicy *)policy;
        return r;
}

_public_ SprPolicy *spr_policy_free(SprPolicy *policy) {
        return (SprPolicy *)policy_free((Policy *)policy);
}

_public_ int spr_policy_new_from_file(SprPolicy **policyp, const char *path, SprError *error) {
        Failure failure = FAILURE_NULL;
        Policy *policy;
        int r = policy_load_file(&policy, path, &failure);

        if (!r)
                *policyp = (SprPolicy *)policy;
        return policy_error(error, &failure, r);
}

_public_ int spr_policy_new_from_json(SprPolicy **policyp,
                                      const char *json,
                                      size_t length,
                                      const char *name,
                                      bool complete,
                                      SprError *error) {
        Failure failure = FAILURE_NULL;
        Policy *policy;
        int r = policy_parse_json(&policy, json, length, name, complete, &failure);

        if (!r)
                *policyp = (SprPolicy *)policy;
        return policy_error(error, &failure, r);
}

_public_ int spr_policy_set_timeout_ns(SprPolicy *policy, uint64_t timeout_ns, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_timeout_ns((Policy *)policy, timeout_ns, &failure);

        return policy_error(error, &failure, r);
}

_public_ int spr_policy_set_memory_bytes(SprPolicy *policy, uint64_t bytes, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_memory_bytes((Policy *)policy, bytes, &failure);

        return policy_error(error, &failure, r);
}

_public_ int spr_policy_set_disk_bytes(SprPolicy *policy, uint64_t bytes, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_disk_bytes((Policy *)policy, bytes, &failure);

        return policy_error(error, &failure, r);
}

_public_ int spr_policy_set_file_bytes(SprPolicy *policy, uint64_t bytes, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_file_bytes((Policy *)policy, bytes, &failure);

        return policy_error(error, &failure, r);
}

_public_ int spr_policy_set_cpu_ns(SprPolicy *policy, uint64_t cpu_ns, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_cpu_ns((Policy *)policy, cpu_ns, &failure);

        return policy_error(error, &failure, r);
}

_public_ int spr_policy_set_max_processes(SprPolicy *policy, uint64_t n, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_max_processes((Policy *)policy, n, &failure);

        return policy_error(error, &failure, r);
}

_public_ void spr_policy_set_allow_processes(SprPolicy *policy, bool allow) {
        ((Policy *)policy)->allow_processes = allow;
        policy_mark_caller((Policy *)policy, offsetof(Policy, allow_processes));
}

_public_ void spr_policy_set_proc(SprPolicy *policy, bool proc) {
        ((Policy *)policy)->proc = proc;
        policy_mark_caller((Policy *)policy, offsetof(Policy, proc));
}

_public_ void spr_policy_set_host_network(SprPolicy *policy, bool allow) {
        ((Policy *)policy)->network = allow ? POLICY_NETWORK_HOST : POLICY_NETWORK_NONE;
        policy_mark_caller((Policy *)policy, offsetof(Policy, network));
}

_public_ int
spr_policy_set_env(SprPolicy *policy, const char *name, const char *value, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_env((Policy *)policy, name, value, &failure);

        return policy_error(error, &failure, r);
}

_public_ int spr_policy_add_read_only_path(SprPolicy *policy, const char *path, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_add_read_only_path((Policy *)policy, path, &failure);

        return policy_error(error, &failure, r);
}

_public_ uint64_t spr_policy_get_timeout_ns(const SprPolicy *policy) {
        return ((const Policy *)policy)->timeout_ns;
}

_public_ uint64_t spr_policy_get_memory_bytes(const SprPolicy *policy) {
        return ((const Policy *)policy)->memory_bytes;
}

_public_ int spr_policy_set_extra_globals_json(SprPolicy *policy,
                                               const char *json,
                                               size_t length,
                                               SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_set_extra_globals((Policy *)policy, json, length, &failure);

        return policy_error(error, &failure, r);
}

_public_ int spr_policy_to_json(const SprPolicy *policy, char **jsonp) {
        size_t length;

        return policy_to_json((const Policy *)policy, jsonp, &length);
}
