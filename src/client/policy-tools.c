/* SPDX-License-Identifier: MIT */
/*
 * Presets, layers and explanations: src/policy behind the public names
 */
#include "client/error.h"
#include "policy/environment.h"
#include "policy/policy.h"
#include "policy/presets.h"
#include "policy/show.h"

static int tools_error(SprError *error, const Failure *failure, int r) {
        if (r == 0)
                return 0;
        if (failure->stage != FAILURE_STAGE_NONE)
                return error_from_failure(error, failure);
        return error_from_errno(error, r);
}

_public_ const char *spr_policy_get_preset_name(size_t index) {
        return index < PRESETS ? presets[index].name : NULL;
}

_public_ const char *spr_policy_get_preset_summary(size_t index) {
        return index < PRESETS ? presets[index].summary : NULL;
}

_public_ int spr_policy_new_from_preset(SprPolicy **policyp, const char *name, SprError *error) {
        Failure failure = FAILURE_NULL;
        Policy *policy;
        int r = policy_new_preset(&policy, name, &failure);

        if (!r)
                *policyp = (SprPolicy *)policy;
        return tools_error(error, &failure, r);
}

_public_ int spr_policy_apply_file(SprPolicy *policy, const char *path, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_apply_file((Policy *)policy, path, &failure);

        return tools_error(error, &failure, r);
}

_public_ int
spr_policy_apply_environment(SprPolicy *policy, const char *const *environment, SprError *error) {
        Failure failure = FAILURE_NULL;
        int r = policy_apply_environment((Policy *)policy, environment, &failure);

        return tools_error(error, &failure, r);
}

_public_ int spr_policy_show(const SprPolicy *policy, bool origin, char **textp) {
        return policy_show((const Policy *)policy, origin, textp);
}

_public_ int spr_policy_show_json(const SprPolicy *policy, char **jsonp) {
        return policy_show_json((const Policy *)policy, jsonp);
}

_public_ int spr_policy_explain(const SprPolicy *policy, const char *name, char **textp) {
        return policy_explain((const Policy *)policy, name, textp);
}

_public_ int spr_policy_json_schema(char **jsonp) {
        return policy_json_schema(jsonp);
}
