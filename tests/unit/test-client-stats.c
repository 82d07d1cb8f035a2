/* SPDX-License-Identifier: MIT */
#include "fake-agent.h"

#include "client/stats.h"

static SprRun run_of(const ResultFrame *frame) {
        SprRun run = {.id = 1, .submit = {.code_size = 3, .input_size = 4}};

        if (!frame)
                return run;
        assert_int_equal(result_new(&run.result, frame), 0);
        run_label_result(&run);
        return run;
}

static void test_sums(void **state) {
        const ResultFrame frames[] = {
                {.usage = {.wall_ns = 1,
                           .cpu_user_ns = 2,
                           .cpu_system_ns = 3,
                           .peak_memory_bytes = 100},
                 .flags = RESULT_FLAG_STANDBY | RESULT_FLAG_PAGE_FAULTS,
                 .page_faults = 7,
                 .stdout_total = 10},
                {.usage = {.wall_ns = 10, .peak_memory_bytes = 50},
                 .outcome = OUTCOME_TIMEOUT,
                 .stderr_total = 20},
                {.outcome = OUTCOME_INFRA},
        };
        SprStats stats = {.n_runs = 0};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(frames); ++i) {
                SprRun run = run_of(&frames[i]);

                stats_add(&stats, &run);
                (void)spr_result_free(run.result);
        }
        stats_add(&stats, &(SprRun){.id = 1});
        assert_int_equal(stats.n_runs, 4);
        assert_int_equal(stats.n_failed, 1);
        assert_int_equal(stats.n_outcomes[SPR_OUTCOME_OK], 1);
        assert_int_equal(stats.n_outcomes[SPR_OUTCOME_TIMEOUT], 1);
        assert_int_equal(stats.n_outcomes[SPR_OUTCOME_INFRA], 1);
        assert_int_equal(stats.n_standby_hits, 1);
        assert_int_equal(stats.n_standby_misses, 1);
        assert_int_equal(stats.wall_ns, 11);
        assert_int_equal(stats.cpu_user_ns, 2);
        assert_int_equal(stats.cpu_system_ns, 3);
        assert_int_equal(stats.peak_memory_bytes, 100);
        assert_int_equal(stats.page_faults, 7);
        assert_int_equal(stats.bytes_in, 21);
        assert_int_equal(stats.bytes_out, 30);
}

static void test_engine(void **state) {
        SprRequest *request = fake_request("1");
        SprResult *result;
        SprStats stats;
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        uint64_t runs[2], small[1];

        (void)state;
        assert_int_equal(spr_engine_post(engine, request, &runs[0], NULL), 0);
        fake_greet(&fake, 4);
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        assert_int_equal(fake_take_run(&fake), runs[0]);
        assert_int_equal(spr_engine_post(engine, request, &runs[1], NULL), 0);
        assert_int_equal(fake_take_run(&fake), runs[1]);
        fake_send_result(&fake, runs[0], "1", "");
        assert_int_equal(spr_engine_dispatch(engine, NULL), 0);
        spr_engine_get_stats(engine, &stats, sizeof(stats));
        assert_int_equal(stats.n_runs, 1);
        assert_int_equal(stats.n_in_progress, 1);
        assert_int_equal(stats.n_waiting, 0);
        /* of a caller that knows less */
        spr_engine_get_stats(engine, (SprStats *)(void *)small, sizeof(small));
        assert_int_equal(small[0], 1);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        (void)spr_result_free(result);
        (void)spr_request_free(request);
        fake_end(&fake, engine);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sums),
                cmocka_unit_test(test_engine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
