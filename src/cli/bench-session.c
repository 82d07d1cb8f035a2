/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/bench-samples.h"
#include "cli/bench-session.h"
#include "cli/engine-options.h"
#include "cli/handles.h"
#include "cli/run-environment.h"
#include "cli/run-policy.h"
#include "cli/status.h"

#define JOB_CODE  "result = input_data[\"x\"] ** 0.5\n"
#define JOB_INPUT "{\"x\": 81}"

#define WARM_RUNS   20
#define WARM_GAP_NS (20 * NSEC_PER_MSEC)
#define REST_NS     (5 * NSEC_PER_MSEC)
#define REST_MAX_NS (30 * NSEC_PER_MSEC)
#define REST_FACTOR 20 /* of a run's time: making a standby takes longer than using one */
#define AWAKE_NS    (500 * NSEC_PER_USEC)
#define TIMEOUT_NS  (60 * NSEC_PER_SEC)

static RunOptions run_options_of(const BenchOptions *options) {
        return (RunOptions){
                .python = options->python,
                .venv = options->venv,
                .policy = options->policy,
        };
}

static int python_find(BenchSession *session, Fault *fault) {
        RunOptions run = run_options_of(session->options);
        RunInput input = {.name = "", .code = (char[]){""}};
        Words words = session->context->words;
        RunEnvironment environment = {
                .context = session->context, .options = &run, .input = &input, .words = &words};

        return run_environment_find_python(&environment, &session->python, fault);
}

int bench_session_init(BenchSession *session,
                       const CliContext *context,
                       const BenchOptions *options,
                       Fault *fault) {
        int r;

        session->context = context;
        session->options = options;
        session->code = options->code ? options->code : JOB_CODE;
        session->input = options->input ? options->input : options->code ? "null" : JOB_INPUT;
        session->gap_ns = WARM_GAP_NS;
        r = bench_session_request(session, NULL, &session->job, fault);
        return r ? r : python_find(session, fault);
}

void bench_session_deinit(BenchSession *session) {
        (void)spr_engine_free(session->engine);
        (void)spr_request_free(session->job);
        free(session->python);
        *session = BENCH_SESSION_NULL;
}

int bench_session_open(const BenchSession *session,
                       bool standbys,
                       SprEngine **enginep,
                       Fault *fault) {
        _cleanup_(spr_engine_options_freep) SprEngineOptions *options = NULL;
        const OptionList *preload = &session->options->preload;
        SprError error = {0};
        int r;

        r = engine_options_make(session->context, session->python, &options, fault);
        if (r)
                return r;
        if (!standbys)
                r = spr_engine_options_set_standbys(options, 0);
        else if (session->options->n_standbys > 0)
                r = spr_engine_options_set_standbys(options,
                                                    (uint32_t)session->options->n_standbys);
        for (size_t i = 0; i < preload->n_items && r == 0; i++)
                r = spr_engine_options_add_preload(options, preload->items[i]);
        if (r == 0)
                r = spr_engine_new(enginep, options, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

static int
policy_make(const BenchSession *session, const char *code, SprPolicy **policyp, Fault *fault) {
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        RunOptions run = run_options_of(session->options);
        SprError error = {0};
        int r;

        r = run_policy_load(&run, NULL, &policy, fault);
        if (r)
                return r;
        if (code) /* of ours, which may take its time */
                r = spr_policy_set_timeout_ns(policy, TIMEOUT_NS, &error);
        if (r)
                return fault_set_error(fault, r, &error);
        *policyp = take_ptr(&policy);
        return 0;
}

int bench_session_request(const BenchSession *session,
                          const char *code,
                          SprRequest **requestp,
                          Fault *fault) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        _cleanup_(spr_policy_freep) SprPolicy *policy = NULL;
        const char *text = code ? code : session->code;
        int r;

        r = policy_make(session, code, &policy, fault);
        if (r)
                return r;
        r = spr_request_new(&request);
        if (r == 0)
                r = spr_request_set_policy(request, policy);
        if (r == 0)
                r = spr_request_set_code(request, text, strlen(text));
        if (r == 0)
                r = spr_request_set_input_json(request, session->input, strlen(session->input));
        if (r)
                return fault_set_error(fault, r, &(SprError){0});
        *requestp = take_ptr(&request);
        return 0;
}

int bench_session_post(BenchSession *session, const SprRequest *request, Fault *fault) {
        SprError error = {0};
        uint64_t run_id;
        int r;

        r = spr_engine_post(session->engine, request, &run_id, &error);
        return r ? fault_set_error(fault, r, &error) : 0;
}

static int result_take(BenchSession *session, SprResult *result, void **userdatap, Fault *fault) {
        if (!spr_result_get_ok(result))
                return fault_set(fault, STATUS_FAILURE, "the job failed: %.512s",
                                 spr_result_get_error(result));
        if (!session->level[0])
                (void)snprintf(session->level, sizeof(session->level), "%s",
                               spr_result_get_isolation_level(result));
        if (userdatap)
                *userdatap = spr_result_get_userdata(result);
        return 0;
}

/* Whether @until_ns is not past. */
static bool engine_wait(SprEngine *engine, uint64_t until_ns) {
        struct pollfd poll_fd = {.fd = spr_engine_get_fd(engine), .events = POLLIN};
        uint64_t now_ns;
        struct timespec left;

        if (until_ns == UINT64_MAX) {
                (void)ppoll(&poll_fd, 1, NULL, NULL);
                return true;
        }
        now_ns = clock_now_ns();
        if (now_ns >= until_ns)
                return false;
        left = (struct timespec){.tv_sec = (time_t)((until_ns - now_ns) / NSEC_PER_SEC),
                                 .tv_nsec = (long)((until_ns - now_ns) % NSEC_PER_SEC)};
        if (until_ns - now_ns < AWAKE_NS)
                left = (struct timespec){0};
        (void)ppoll(&poll_fd, 1, &left, NULL);
        return true;
}

int bench_session_pop(
        BenchSession *session, uint64_t until_ns, bool *poppedp, void **userdatap, Fault *fault) {
        _cleanup_(spr_result_freep) SprResult *result = NULL;
        SprError error = {0};
        int r;

        while ((r = spr_engine_pop(session->engine, &result)) == SPR_E_EMPTY) {
                if (!engine_wait(session->engine, until_ns)) {
                        if (poppedp)
                                *poppedp = false;
                        return 0;
                }
                r = spr_engine_dispatch(session->engine, &error);
                if (r)
                        return fault_set_error(fault, r, &error);
        }
        if (r)
                return fault_set_error(fault, r, &error);
        r = result_take(session, result, userdatap, fault);
        if (r == 0 && poppedp)
                *poppedp = true;
        return r;
}

int bench_session_time(BenchSession *session,
                       const SprRequest *request,
                       uint64_t *nsp,
                       Fault *fault) {
        uint64_t begin_ns = clock_now_ns();
        int r;

        r = bench_session_post(session, request, fault);
        if (r == 0)
                r = bench_session_pop(session, UINT64_MAX, NULL, NULL, fault);
        *nsp = clock_now_ns() - begin_ns;
        return r;
}

void bench_session_rest(const BenchSession *session) {
        uint64_t until_ns = clock_now_ns() + session->gap_ns;
        uint64_t asleep_ns = session->gap_ns > AWAKE_NS ? session->gap_ns - AWAKE_NS : 0;
        struct timespec asleep = {.tv_nsec = (long)asleep_ns};

        if (asleep_ns > 0)
                (void)nanosleep(&asleep, NULL);
        while (clock_now_ns() < until_ns)
                ;
}

int bench_session_warm(BenchSession *session, Fault *fault) {
        _cleanup_(samples_deinitp) Samples samples = {0};
        uint64_t ns;
        int r;

        if (session->engine)
                return 0;
        if (samples_init(&samples, WARM_RUNS))
                return fault_set_oom(fault);
        r = bench_session_open(session, true, &session->engine, fault);
        for (size_t i = 0; i < WARM_RUNS && r == 0; i++) {
                r = bench_session_time(session, session->job, &ns, fault);
                samples_add(&samples, ns);
                bench_session_rest(session);
        }
        ns = samples_percentile(&samples, WARM_RUNS / 2, WARM_RUNS / 2, 50);
        session->gap_ns = min_u64(REST_MAX_NS, REST_NS + ns * REST_FACTOR);
        return r;
}
