/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-text.h"
#include "client/request.h"
#include "policy/names.h"
#include "policy/policy.h"
#include "wire/region.h"

#define DEFAULT_NAME "<code>"

typedef struct PartRule {
        const char *what;
        uint64_t max;
} PartRule;

static const PartRule rules[UPLOAD_PARTS] = {
        [DATA_CODE] = {"code", REGION_CODE_MAX},
        [DATA_INPUT] = {"input", REGION_INPUT_MAX},
        [DATA_POLICY] = {"policy", REGION_POLICY_MAX},
        [DATA_NAME] = {"name", REGION_NAME_MAX},
};

/* Replaces a part. One that is too large is not copied. */
static int
request_set_part(SprRequest *request, DataChannel part, const char *bytes, size_t length) {
        Blob *blob = NULL;
        int r = 0;

        request->faults[part] = FAILURE_NULL;
        if (length > rules[part].max)
                (void)failure_set(&request->faults[part], FAILURE_STAGE_REQUEST, EFBIG,
                                  "%s is too large: %zu bytes, limit %llu", rules[part].what,
                                  length, (unsigned long long)rules[part].max);
        else
                r = blob_new(&blob, bytes, length);
        if (r)
                return r;
        (void)blob_unref(request->parts[part]);
        request->parts[part] = blob;
        return 0;
}

static SubmitFrame request_limits(const Policy *policy) {
        return (SubmitFrame){
                .timeout_ns = policy->timeout_ns,
                .memory_bytes = policy->memory_bytes,
                .output_bytes = policy->output_bytes,
                .disk_bytes = policy->disk_bytes,
                .file_bytes = policy->file_bytes,
                .cpu_ns = policy->cpu_ns,
                .max_processes = (uint32_t)policy->n_processes,
                .flags = (policy->allow_processes ? SUBMIT_FLAG_PROCESSES : 0u) |
                         (policy->proc ? SUBMIT_FLAG_PROC : 0u),
                .min_level = policy->min_isolation,
        };
}

/* The policy without what it owns, but for the paths: the worker's lists are in its JSON, and the
 * digest, which few ask for, can be made of the two. */
static int request_keep_rest(SprRequest *request, const Policy *policy) {
        Policy rest = *policy;
        int r;

        rest.read_only_paths = STRING_LIST_NULL;
        r = string_list_dup(&rest.read_only_paths, &policy->read_only_paths);
        if (r)
                return r;
        string_list_deinit(&request->rest.read_only_paths);
        request->rest = rest;
        return 0;
}

static int request_set_policy(SprRequest *request, const Policy *policy) {
        _cleanup_(blob_unrefp) Blob *demands = NULL;
        _cleanup_(freep) char *json = NULL;
        size_t length;
        int r;

        r = policy_to_worker_json(policy, &json, &length);
        if (!r)
                r = demands_new(&demands, policy);
        if (!r)
                r = request_keep_rest(request, policy);
        if (!r)
                r = request_set_part(request, DATA_POLICY, json, length);
        if (r)
                return r;
        (void)blob_unref(request->demands);
        request->demands = take_ptr(&demands);
        request->limits = request_limits(policy);
        return 0;
}

static int request_set_default_policy(SprRequest *request) {
        _cleanup_(policy_freep) Policy *policy = NULL;
        int r;

        r = policy_new(&policy);
        return r ? r : request_set_policy(request, policy);
}

static const Failure *request_fault(const SprRequest *request) {
        for (size_t i = 0; i < UPLOAD_PARTS; ++i)
                if (request->faults[i].stage != FAILURE_STAGE_NONE)
                        return &request->faults[i];
        return NULL;
}

int request_prepare(const SprRequest *request,
                    SubmitFrame *submit,
                    Blob *parts[static UPLOAD_PARTS],
                    Blob **demandsp,
                    Failure *failure) {
        const Failure *fault = request_fault(request);

        if (fault) {
                *failure = *fault;
                return -fault->code;
        }
        *submit = request->limits;
        submit->result_bytes = REGION_RESULT_MAX;
        submit->code_size = blob_size(request->parts[DATA_CODE]);
        submit->input_size = blob_size(request->parts[DATA_INPUT]);
        submit->policy_size = (uint32_t)blob_size(request->parts[DATA_POLICY]);
        submit->name_size = (uint32_t)blob_size(request->parts[DATA_NAME]);
        *demandsp = blob_ref(request->demands);
        for (size_t i = 0; i < UPLOAD_PARTS; ++i)
                parts[i] = blob_ref(request->parts[i]);
        return 0;
}

static void blob_digest(const Blob *blob, char digest[static SHA256_TEXT]) {
        sha256_text(digest, blob ? (const char *)blob->bytes : "", blob_size(blob));
}

int request_digest(const SprRequest *request, AuditDigests *digests, Failure *failure) {
        const Blob *part = request->parts[DATA_POLICY];
        _cleanup_(freep) char *policy = NULL;
        size_t length;

        if (policy_to_json_from(&request->rest, (const char *)part->bytes, part->size, &policy,
                                &length))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        blob_digest(request->parts[DATA_CODE], digests->code);
        blob_digest(request->parts[DATA_INPUT], digests->input);
        sha256_text(digests->policy, policy, length);
        return 0;
}

_public_ int spr_request_new(SprRequest **requestp) {
        _cleanup_(spr_request_freep) SprRequest *request = calloc(1, sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        r = request_set_part(request, DATA_NAME, DEFAULT_NAME, strlen(DEFAULT_NAME));
        if (!r)
                r = request_set_default_policy(request);
        if (r)
                return r;
        *requestp = take_ptr(&request);
        return 0;
}

_public_ SprRequest *spr_request_free(SprRequest *request) {
        if (!request)
                return NULL;
        for (size_t i = 0; i < UPLOAD_PARTS; ++i)
                (void)blob_unref(request->parts[i]);
        (void)blob_unref(request->demands);
        string_list_deinit(&request->rest.read_only_paths);
        free(request);
        return NULL;
}

_public_ int spr_request_set_code(SprRequest *request, const char *code, size_t length) {
        return request_set_part(request, DATA_CODE, code, length);
}

_public_ int spr_request_set_input_json(SprRequest *request, const char *json, size_t length) {
        JsonTextFault fault;
        int r;

        r = request_set_part(request, DATA_INPUT, json, length);
        if (r || length == 0 || !request->parts[DATA_INPUT])
                return r;
        r = json_text_check(json, length, REQUEST_DEPTH_MAX, &fault);
        if (r == JSON_TEXT_E_DEPTH)
                (void)failure_set(&request->faults[DATA_INPUT], FAILURE_STAGE_REQUEST, EINVAL,
                                  "input is nested too deeply: limit %d", REQUEST_DEPTH_MAX);
        else if (r)
                (void)failure_set(&request->faults[DATA_INPUT], FAILURE_STAGE_REQUEST, EINVAL,
                                  "input is not JSON: %s in line %u, at byte %zu", fault.reason,
                                  json_text_line(json, fault.offset), fault.offset);
        return 0;
}

_public_ int spr_request_set_name(SprRequest *request, const char *name) {
        return request_set_part(request, DATA_NAME, name, strlen(name));
}

_public_ int spr_request_set_policy(SprRequest *request, const SprPolicy *policy) {
        return request_set_policy(request, (const Policy *)policy);
}

_public_ void spr_request_set_userdata(SprRequest *request, void *userdata) {
        request->userdata = userdata;
}
