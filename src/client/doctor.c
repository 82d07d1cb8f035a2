/* SPDX-License-Identifier: MIT */
/*
 * The probe says what could be had, the run what was. The run demands nothing, so that it reports
 * what it reached instead of being refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/doctor.h"
#include "client/engine.h"
#include "client/error.h"
#include "client/options.h"
#include "client/request.h"
#include "client/result.h"
#include "engine/doctor-advice.h"
#include "policy/policy.h"

DEFINE_CLEANUP(SprEngine *, spr_engine_free)

static const char run_code[] = "import sys\nresult = '%d.%d.%d' % sys.version_info[:3]\n";

static int doctor_make_request(SprDoctor *doctor, SprRequest **requestp) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        _cleanup_(policy_freep) Policy *policy = NULL;
        int r;

        r = policy_new(&policy);
        if (!r)
                r = spr_request_new(&request);
        if (r)
                return r;
        doctor->demanded = policy->min_isolation;
        policy->min_isolation = ISOLATION_NONE;
        r = spr_request_set_policy(request, (const SprPolicy *)policy);
        if (!r)
                r = spr_request_set_code(request, run_code, strlen(run_code));
        if (!r)
                *requestp = take_ptr(&request);
        return r;
}

/* The result is a JSON string of digits and dots. */
static void doctor_take_python(SprDoctor *doctor, const SprResult *result) {
        size_t length = 0;
        const char *json = spr_result_get_json(result, &length);

        if (json && length > 2)
                (void)snprintf(doctor->python, sizeof(doctor->python), "%.*s", (int)length - 2,
                               json + 1);
}

/* Returns only what has nothing to do with the run: -ENOMEM. */
static int doctor_run(SprDoctor *doctor, const SprEngineOptions *options) {
        _cleanup_(spr_request_freep) SprRequest *request = NULL;
        _cleanup_(spr_result_freep) SprResult *result = NULL;
        _cleanup_(spr_engine_freep) SprEngine *engine = NULL;
        const char *words = NULL;
        SprError error = {0};
        int r;

        r = doctor_make_request(doctor, &request);
        if (r)
                return r;
        r = spr_engine_new(&engine, options, &error);
        if (!r)
                r = spr_engine_run(engine, request, &result, &error);
        if (r == -ENOMEM)
                return r;
        if (r)
                words = error.message;
        else if (!spr_result_get_ok(result))
                words = spr_result_get_error(result);
        if (words || !result) {
                (void)snprintf(doctor->run_error, sizeof(doctor->run_error), "%s",
                               words ? words : "the run failed");
                return 0;
        }
        doctor->reached = result->frame.layers;
        doctor_take_python(doctor, result);
        return 0;
}

void doctor_conclude(SprDoctor *doctor, const char *agent) {
        for (unsigned int i = 0; i < _LAYER_N; ++i)
                (void)doctor_advise(&doctor->host, (Layer)i, &doctor->probe.layers[i], agent,
                                    doctor->advice[i], sizeof(doctor->advice[i]));
        if (!doctor->run_error[0])
                doctor_probe_compare(&doctor->probe, doctor->reached);
        for (unsigned int i = 0; i < _LAYER_N; ++i) {
                const DoctorLayer *layer = &doctor->probe.layers[i];
                bool both = layer->error[0] && layer->detail[0];

                (void)snprintf(doctor->details[i], sizeof(doctor->details[i]), "%s%s%s",
                               layer->detail, both ? ": " : "", layer->error);
        }
}

_public_ SprDoctor *spr_doctor_free(SprDoctor *doctor) {
        free(doctor);
        return NULL;
}

_public_ int spr_doctor_new(SprDoctor **doctorp, const SprEngineOptions *options, SprError *error) {
        _cleanup_(spr_doctor_freep) SprDoctor *doctor = calloc(1, sizeof(*doctor));
        Failure failure = FAILURE_NULL;
        int r;

        if (!doctor)
                return error_from_errno(error, -ENOMEM);
        doctor_host_read(&doctor->host, "", geteuid());
        r = doctor_probe_run(&doctor->probe, options->agent, &failure);
        if (r)
                return error_from_failure(error, &failure);
        r = doctor_run(doctor, options);
        if (r)
                return error_from_errno(error, -ENOMEM);
        doctor_conclude(doctor, options->agent);
        *doctorp = take_ptr(&doctor);
        return 0;
}
