/* SPDX-License-Identifier: MIT */
/*
 * Warm runs through the C API: one line per run, in nanoseconds
 *
 * usage: warm PYTHON AGENT RUNS
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <spr/spr.h>

#define WARM_UP 20

static uint64_t now_ns(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static SprEngine *engine_open(const char *python, const char *agent) {
        SprEngineOptions *options = NULL;
        SprEngine *engine = NULL;
        SprError error = {0};

        if (spr_engine_options_new(&options) || spr_engine_options_set_python(options, python) ||
            spr_engine_options_set_agent(options, agent) ||
            spr_engine_new(&engine, options, &error)) {
                (void)fprintf(stderr, "warm: %s\n", error.message);
                exit(1);
        }
        (void)spr_engine_options_free(options);
        return engine;
}

static void run_once(SprEngine *engine, const SprRequest *request) {
        SprResult *result = NULL;
        SprError error = {0};

        if (spr_engine_run(engine, request, &result, &error) || !spr_result_get_ok(result)) {
                (void)fprintf(stderr, "warm: %s\n",
                              result ? spr_result_get_error(result) : error.message);
                exit(1);
        }
        (void)spr_result_free(result);
}

int main(int argc, char **argv) {
        static const char code[] = "result = 1";
        SprRequest *request = NULL;
        SprEngine *engine;
        long n_runs;

        if (argc != 4)
                return 2;
        n_runs = strtol(argv[3], NULL, 10);
        engine = engine_open(argv[1], argv[2]);
        if (spr_request_new(&request) || spr_request_set_code(request, code, sizeof(code) - 1))
                return 1;
        for (long i = -WARM_UP; i < n_runs; ++i) {
                uint64_t begin = now_ns();

                run_once(engine, request);
                if (i >= 0)
                        (void)printf("%" PRIu64 "\n", now_ns() - begin);
        }
        (void)spr_request_free(request);
        (void)spr_engine_free(engine);
        return 0;
}
