/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/bench-report.h"

static json_t *report_json(const BenchReport *report, const BenchSetting *setting) {
        char *text;
        json_t *json;

        assert_int_equal(bench_report_to_json(report, setting, &text), 0);
        json = json_loads(text, 0, NULL);
        assert_non_null(json);
        free(text);
        return json;
}

static void test_json(void **state) {
        static const char *const preload[] = {"numpy", "a\"b"};
        const BenchSetting setting = {
                .python = "/py", .job = "x", .preload = preload, .n_preload = 2, .n_cores = 2};
        BenchReport report = {.measurement = "hit"};
        const char *measurement, *name, *lack, *module;
        double value;
        json_t *json;
        int n;

        (void)state;
        bench_report_add(&report, "p50", 12.5, "us", 500);
        bench_report_lack(&report, "p99", "us", "too few");
        json = report_json(&report, &setting);
        assert_int_equal(json_unpack(json, "{s:[{s:s,s:s,s:f,s:i}*]}", "figures", "measurement",
                                     &measurement, "name", &name, "value", &value, "n", &n),
                         0);
        assert_string_equal(measurement, "hit");
        assert_string_equal(name, "p50");
        assert_true(value > 12.4 && value < 12.6);
        assert_int_equal(n, 500);
        json_t *second = json_array_get(json_object_get(json, "figures"), 1);
        assert_true(json_is_null(json_object_get(second, "value")));
        assert_int_equal(json_unpack(second, "{s:s}", "lack", &lack), 0);
        assert_string_equal(lack, "too few");
        assert_true(json_is_null(json_object_get(json, "level")));
        assert_int_equal(json_unpack(json, "{s:[s,s]}", "preload", &name, &module), 0);
        assert_string_equal(module, "a\"b");
        json_decref(json);
}

/* A 99th percentile of a few is the worst one. */
static void test_times(void **state) {
        static const struct {
                size_t n;
                bool p99;
        } cases[] = {{99, false}, {100, true}};

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                BenchReport report = {.measurement = "hit"};
                Samples samples = {0};

                assert_int_equal(samples_init(&samples, cases[i].n), 0);
                for (size_t j = 0; j < cases[i].n; j++)
                        samples_add(&samples, 2000000);
                bench_report_times(&report, &samples, "ms");
                assert_int_equal(report.n_figures, 3);
                assert_int_equal((int)report.figures[0].value, 2);
                assert_int_equal(report.figures[1].lack == NULL, cases[i].p99);
                assert_string_equal(report.figures[2].name, "min");
                samples_deinit(&samples);
        }
}

static void test_full(void **state) {
        BenchReport report = {.measurement = "hit"};

        (void)state;
        for (size_t i = 0; i < BENCH_FIGURES_MAX + 2; i++)
                bench_report_add(&report, "p50", 1, "us", 1);
        bench_report_lack(&report, "p50", "us", "no room");
        assert_int_equal(report.n_figures, BENCH_FIGURES_MAX);
        json_decref(report_json(&report, &(BenchSetting){.python = "/py"}));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
