/* SPDX-License-Identifier: MIT */
#include "base/layers.h"
#include "client/result.h"

_Static_assert((int)SPR_OUTCOME_INFRA == (int)OUTCOME_INFRA && (int)_OUTCOME_N == 9,
               "the public outcomes are the wire's");

static const char *result_text(const SprResult *result, DataChannel channel, size_t *lengthp) {
        const ResultText *text = &result->texts[channel - DATA_RESULT];

        if (lengthp)
                *lengthp = text->length;
        return text->bytes;
}

static bool result_flag(const SprResult *result, uint32_t flag) {
        return (result->frame.flags & flag) != 0;
}

_public_ uint64_t spr_result_get_run_id(const SprResult *result) {
        return result->run_id;
}

_public_ void *spr_result_get_userdata(const SprResult *result) {
        return result->userdata;
}

_public_ bool spr_result_get_ok(const SprResult *result) {
        return result->frame.outcome == OUTCOME_OK;
}

_public_ SprOutcome spr_result_get_outcome(const SprResult *result) {
        return (SprOutcome)result->frame.outcome;
}

_public_ const char *spr_result_get_outcome_name(const SprResult *result) {
        return outcome_name(result->frame.outcome);
}

_public_ bool spr_result_get_timed_out(const SprResult *result) {
        return result->frame.outcome == OUTCOME_TIMEOUT;
}

_public_ bool spr_result_get_resource_exceeded(const SprResult *result) {
        return result_flag(result, RESULT_FLAG_RESOURCE_EXCEEDED);
}

_public_ int spr_result_get_exit_code(const SprResult *result) {
        return result->frame.exit_code;
}

_public_ const char *spr_result_get_error(const SprResult *result) {
        if (!result_flag(result, RESULT_FLAG_HAS_ERROR))
                return NULL;
        return result_text(result, DATA_ERROR, NULL);
}

_public_ const char *spr_result_get_killed_by(const SprResult *result) {
        return killed_by_name(result->frame.killed_by);
}

_public_ const char *spr_result_get_json(const SprResult *result, size_t *lengthp) {
        const char *json = result_text(result, DATA_RESULT, lengthp);

        return result_flag(result, RESULT_FLAG_HAS_RESULT) ? json : NULL;
}

_public_ const char *spr_result_get_stdout(const SprResult *result, size_t *lengthp) {
        return result_text(result, DATA_STDOUT, lengthp);
}

_public_ const char *spr_result_get_stderr(const SprResult *result, size_t *lengthp) {
        return result_text(result, DATA_STDERR, lengthp);
}

_public_ const char *spr_result_get_stdout_tail(const SprResult *result, size_t *lengthp) {
        return result_text(result, DATA_STDOUT_TAIL, lengthp);
}

_public_ const char *spr_result_get_stderr_tail(const SprResult *result, size_t *lengthp) {
        return result_text(result, DATA_STDERR_TAIL, lengthp);
}

_public_ bool spr_result_get_stdout_truncated(const SprResult *result) {
        return result_flag(result, RESULT_FLAG_STDOUT_TRUNCATED);
}

_public_ bool spr_result_get_stderr_truncated(const SprResult *result) {
        return result_flag(result, RESULT_FLAG_STDERR_TRUNCATED);
}

_public_ uint64_t spr_result_get_stdout_total(const SprResult *result) {
        return result->frame.stdout_total;
}

_public_ uint64_t spr_result_get_stderr_total(const SprResult *result) {
        return result->frame.stderr_total;
}

_public_ uint64_t spr_result_get_wall_ns(const SprResult *result) {
        return result->frame.usage.wall_ns;
}

_public_ uint64_t spr_result_get_queue_wait_ns(const SprResult *result) {
        return result->queue_wait_ns;
}

_public_ uint64_t spr_result_get_cpu_user_ns(const SprResult *result) {
        return result->frame.usage.cpu_user_ns;
}

_public_ uint64_t spr_result_get_cpu_system_ns(const SprResult *result) {
        return result->frame.usage.cpu_system_ns;
}

_public_ uint64_t spr_result_get_peak_memory_bytes(const SprResult *result) {
        return result->frame.usage.peak_memory_bytes;
}

_public_ uint64_t spr_result_get_bytes_in(const SprResult *result) {
        return result->bytes_in;
}

_public_ uint64_t spr_result_get_bytes_out(const SprResult *result) {
        return result->frame.result_size + result->frame.stdout_total + result->frame.stderr_total;
}

_public_ bool spr_result_get_standby(const SprResult *result) {
        return result_flag(result, RESULT_FLAG_STANDBY);
}

_public_ bool spr_result_get_page_faults(const SprResult *result, uint64_t *np) {
        if (!result_flag(result, RESULT_FLAG_PAGE_FAULTS))
                return false;
        *np = result->frame.page_faults;
        return true;
}

_public_ const char *spr_result_get_isolation_level(const SprResult *result) {
        return isolation_level_name(result->frame.level);
}

_public_ const char *spr_result_get_network(const SprResult *result) {
        return result_flag(result, RESULT_FLAG_HOST_NETWORK) ? "host" : "none";
}

_public_ const char *spr_result_get_where(const SprResult *result) {
        if (result_flag(result, RESULT_FLAG_CONTAINER))
                return "container";
        return result_flag(result, RESULT_FLAG_REMOTE) ? "remote" : "host";
}

_public_ const char *spr_result_get_layer(const SprResult *result, size_t index) {
        for (unsigned int layer = 0; layer < _LAYER_N; ++layer)
                if ((result->frame.layers & LAYER_BIT(layer)) && index-- == 0)
                        return layer_name(layer);
        return NULL;
}
