/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "client/engine.h"
#include "client/stats.h"

_Static_assert((int)_OUTCOME_N <= SPR_STATS_OUTCOMES, "each outcome has a counter");

void stats_add(SprStats *stats, const SprRun *run) {
        const SprResult *result = run->result;
        uint64_t n_faults = 0;

        ++stats->n_runs;
        if (!result) {
                ++stats->n_failed;
                return;
        }
        ++stats->n_outcomes[spr_result_get_outcome(result)];
        if (spr_result_get_standby(result))
                ++stats->n_standby_hits;
        else if (spr_result_get_wall_ns(result) > 0) /* else it never had a worker */
                ++stats->n_standby_misses;
        stats->wall_ns += spr_result_get_wall_ns(result);
        stats->cpu_user_ns += spr_result_get_cpu_user_ns(result);
        stats->cpu_system_ns += spr_result_get_cpu_system_ns(result);
        stats->queue_wait_ns += spr_result_get_queue_wait_ns(result);
        stats->peak_memory_bytes =
                max_u64(stats->peak_memory_bytes, spr_result_get_peak_memory_bytes(result));
        stats->bytes_in += spr_result_get_bytes_in(result);
        stats->bytes_out += spr_result_get_bytes_out(result);
        if (spr_result_get_page_faults(result, &n_faults))
                stats->page_faults += n_faults;
}

_public_ void spr_engine_get_stats(SprEngine *engine, SprStats *stats, size_t size) {
        SprStats now;

        engine_lock(engine);
        now = engine->stats;
        now.n_in_progress = engine->sent.n_runs;
        now.n_waiting = queue_length(&engine->queue);
        engine_unlock(engine);
        memset(stats, 0, size);
        memcpy(stats, &now, min_size(size, sizeof(now)));
}
