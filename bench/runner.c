/* SPDX-License-Identifier: MIT */
/*
 * Runs through the C API, one order per line of standard input, one answer per line of output
 *
 * usage: runner PYTHON AGENT STANDBYS CODE INPUT [MODULE…]     MODULE: imported before any run
 *                                                              STANDBYS: 0 = as many as it takes
 *
 *     once                 one run: its nanoseconds
 *     load SECONDS N       N runs in flight: runs per second
 *     repeat N             N runs in a row: the median in nanoseconds
 *     standing N           N more runs that sleep beside all others, to the end: N
 *     transfer in|out MIB  one run that takes or gives so much: its nanoseconds
 *     beside MIB SECONDS   sqrt in one thread while another one sends and takes back MIB, again and
 *                          again: the p99 of sqrt, in nanoseconds (MIB 0: alone)
 *
 * A run begins with this process awake: before it there is a busy wait.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spr/spr.h>

#define AWAKE_NS      UINT64_C(300000)
#define SECOND_NS     UINT64_C(1000000000)
#define HOUR_NS       (3600 * SECOND_NS)
#define SLEEP_CODE    "import time\ntime.sleep(3600)"
#define MEMORY_BYTES  (UINT64_C(4) << 30)
#define SAMPLES_MAX   200000
#define BESIDE_GAP_NS UINT64_C(3000000)

typedef struct Runner {
        SprEngine *engine;
        SprRequest *job;
} Runner;

typedef struct Traffic {
        SprEngine *engine;
        SprRequest *request;
        atomic_bool stop;
} Traffic;

static uint64_t now_ns(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void busy_wait(uint64_t ns) {
        uint64_t until = now_ns() + ns;

        while (now_ns() < until)
                ;
}

static void fail(const char *what, const char *why) {
        (void)fprintf(stderr, "runner: %s: %s\n", what, why);
        exit(1);
}

static SprRequest *request_make(const char *code, const char *input, size_t n_input) {
        SprRequest *request = NULL;
        SprPolicy *policy = NULL;
        SprError error = {0};

        if (spr_request_new(&request) || spr_policy_new(&policy) ||
            spr_policy_set_timeout_ns(policy, HOUR_NS, &error) ||
            spr_request_set_policy(request, policy) ||
            spr_request_set_code(request, code, strlen(code)) ||
            spr_request_set_input_json(request, input, n_input))
                fail("request", error.message);
        (void)spr_policy_free(policy);
        return request;
}

/* @kind "in": MIB of input; "out": of result; "both": the input is the result. */
static SprRequest *request_big(const char *kind, size_t mib) {
        SprPolicy *policy = NULL;
        SprRequest *request;
        size_t n = mib << 20;
        char code[64], *input;
        bool out = strcmp(kind, "out") == 0;

        (void)snprintf(code, sizeof(code), out ? "result = 'x' * %zu" : "result = len(input_data)",
                       n);
        if (strcmp(kind, "both") == 0)
                (void)snprintf(code, sizeof(code), "result = input_data");
        input = malloc(n + 3);
        if (!input)
                fail("input", "no memory");
        memset(input, 'x', n + 2);
        input[0] = input[n + 1] = '"';
        request = out ? request_make(code, "1", 1) : request_make(code, input, n + 2);
        free(input);
        if (spr_policy_new(&policy) || spr_policy_set_memory_bytes(policy, MEMORY_BYTES, NULL) ||
            spr_policy_set_timeout_ns(policy, HOUR_NS, NULL) ||
            spr_request_set_policy(request, policy))
                fail("policy", "refused");
        (void)spr_policy_free(policy);
        return request;
}

static void result_check(SprResult *result) {
        if (!spr_result_get_ok(result))
                fail("run", spr_result_get_error(result));
        (void)spr_result_free(result);
}

static void post(SprEngine *engine, const SprRequest *request) {
        SprError error = {0};
        uint64_t run_id;

        if (spr_engine_post(engine, request, &run_id, &error))
                fail("post", error.message);
}

static void pop(SprEngine *engine) {
        struct pollfd poll_fd = {.fd = spr_engine_get_fd(engine), .events = POLLIN};
        SprResult *result = NULL;
        SprError error = {0};
        int r;

        while ((r = spr_engine_pop(engine, &result)) == SPR_E_EMPTY) {
                (void)poll(&poll_fd, 1, -1);
                if (spr_engine_dispatch(engine, &error))
                        fail("dispatch", error.message);
        }
        if (r)
                fail("pop", error.message);
        result_check(result);
}

static uint64_t run_time(SprEngine *engine, const SprRequest *request) {
        uint64_t begin;

        busy_wait(AWAKE_NS);
        begin = now_ns();
        post(engine, request);
        pop(engine);
        return now_ns() - begin;
}

static double load(Runner *runner, double seconds, unsigned int n_jobs) {
        uint64_t begin = now_ns(), until = begin + (uint64_t)(seconds * (double)SECOND_NS);
        unsigned int n_posted = 0, n_done = 0;

        do {
                while (n_posted - n_done < n_jobs && now_ns() < until) {
                        post(runner->engine, runner->job);
                        ++n_posted;
                }
                if (n_done < n_posted) {
                        pop(runner->engine);
                        ++n_done;
                }
        } while (n_done < n_posted);
        return n_done / ((double)(now_ns() - begin) / (double)SECOND_NS);
}

static void run_blocking(SprEngine *engine, const SprRequest *request) {
        SprResult *result = NULL;
        SprError error = {0};

        if (spr_engine_run(engine, request, &result, &error))
                fail("run", error.message);
        result_check(result);
}

static void *traffic_run(void *argument) {
        Traffic *traffic = argument;

        while (!atomic_load(&traffic->stop))
                run_blocking(traffic->engine, traffic->request);
        return NULL;
}

static int compare(const void *a, const void *b) {
        uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

        return (left > right) - (left < right);
}

/* The value at @percent of so many runs as come to an end in @seconds, or of @n. */
static uint64_t
percentile(Runner *runner, double seconds, size_t n, uint64_t gap_ns, unsigned int percent) {
        uint64_t *samples = calloc(SAMPLES_MAX, sizeof(*samples)), value;
        uint64_t until = now_ns() + (uint64_t)(seconds * (double)SECOND_NS);
        struct timespec gap = {.tv_nsec = (long)gap_ns};
        size_t n_done = 0;

        if (!samples)
                fail("samples", "no memory");
        while (now_ns() < until && n_done < n && n_done < SAMPLES_MAX) {
                uint64_t begin;

                if (gap_ns > 0)
                        (void)nanosleep(&gap, NULL);
                busy_wait(gap_ns > 0 ? AWAKE_NS : 0);
                begin = now_ns();
                run_blocking(runner->engine, runner->job);
                samples[n_done++] = now_ns() - begin;
        }
        qsort(samples, n_done, sizeof(*samples), compare);
        value = n_done ? samples[n_done * percent / 100] : 0;
        free(samples);
        return value;
}

static uint64_t p99_for(Runner *runner, double seconds) {
        return percentile(runner, seconds, SAMPLES_MAX, BESIDE_GAP_NS, 99);
}

static unsigned long standing(Runner *runner, unsigned long n) {
        SprRequest *request = request_make(SLEEP_CODE, "1", 1);

        for (unsigned long i = 0; i < n; i++)
                post(runner->engine, request);
        (void)spr_request_free(request);
        busy_wait(SECOND_NS); /* they begin meanwhile */
        return n;
}

static uint64_t beside(Runner *runner, size_t mib, double seconds) {
        Traffic traffic = {.engine = runner->engine};
        pthread_t thread;
        uint64_t p99;

        if (mib == 0)
                return p99_for(runner, seconds);
        traffic.request = request_big("both", mib);
        if (pthread_create(&thread, NULL, traffic_run, &traffic))
                fail("thread", "not made");
        p99 = p99_for(runner, seconds);
        atomic_store(&traffic.stop, true);
        (void)pthread_join(thread, NULL);
        (void)spr_request_free(traffic.request);
        return p99;
}

static void order_serve(Runner *runner, const char *line) {
        char *end;

        if (strncmp(line, "once", 4) == 0) {
                (void)printf("%" PRIu64 "\n", run_time(runner->engine, runner->job));
        } else if (strncmp(line, "load ", 5) == 0) {
                double seconds = strtod(line + 5, &end);

                (void)printf("%.3f\n", load(runner, seconds, (unsigned int)strtoul(end, NULL, 10)));
        } else if (strncmp(line, "repeat ", 7) == 0) {
                (void)printf("%" PRIu64 "\n",
                             percentile(runner, 3600, strtoul(line + 7, NULL, 10), 0, 50));
        } else if (strncmp(line, "standing ", 9) == 0) {
                (void)printf("%lu\n", standing(runner, strtoul(line + 9, NULL, 10)));
        } else if (strncmp(line, "transfer ", 9) == 0) {
                const char *kind = strncmp(line + 9, "out", 3) == 0 ? "out" : "in";
                size_t mib = strtoul(strrchr(line, ' '), NULL, 10);
                SprRequest *request = request_big(kind, mib);

                (void)printf("%" PRIu64 "\n", run_time(runner->engine, request));
                (void)spr_request_free(request);
        } else if (strncmp(line, "beside ", 7) == 0) {
                size_t mib = strtoul(line + 7, &end, 10);

                (void)printf("%" PRIu64 "\n", beside(runner, mib, strtod(end, NULL)));
        } else {
                fail("order", line);
        }
        (void)fflush(stdout);
}

static SprEngine *engine_open(int argc, char **argv) {
        SprEngineOptions *options = NULL;
        SprEngine *engine = NULL;
        SprError error = {0};

        if (spr_engine_options_new(&options) || spr_engine_options_set_python(options, argv[1]) ||
            spr_engine_options_set_agent(options, argv[2]))
                fail("options", "refused");
        if (strtoul(argv[3], NULL, 10) > 0)
                spr_engine_options_set_standbys(options, (uint32_t)strtoul(argv[3], NULL, 10));
        for (int i = 6; i < argc; i++)
                if (spr_engine_options_add_preload(options, argv[i]))
                        fail("preload", argv[i]);
        if (spr_engine_new(&engine, options, &error))
                fail("engine", error.message);
        (void)spr_engine_options_free(options);
        return engine;
}

int main(int argc, char **argv) {
        char line[256];
        Runner runner;

        if (argc < 6)
                return 2;
        runner.engine = engine_open(argc, argv);
        runner.job = request_make(argv[4], argv[5], strlen(argv[5]));
        run_blocking(runner.engine, runner.job);
        run_blocking(runner.engine, runner.job);
        (void)printf("ready\n");
        (void)fflush(stdout);
        while (fgets(line, sizeof(line), stdin))
                order_serve(&runner, line);
        (void)spr_request_free(runner.job);
        (void)spr_engine_free(runner.engine);
        return 0;
}
