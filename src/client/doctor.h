#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Doctor: a probe of the layers, a real run beside it, and what to do about the difference
 *
 * Made in one go by doctor.c, given out by doctor-get.c; never changed afterwards.
 */
#include <stdbool.h>

#include "base/attr.h"
#include "engine/doctor-host.h"
#include "engine/doctor-probe.h"
#include "spr/spr.h"

#define DOCTOR_ADVICE_MAX 1024

struct SprDoctor {
        DoctorHost host;
        DoctorProbe probe;
        char advice[_LAYER_N][DOCTOR_ADVICE_MAX]; /* empty where there is none */
        char details[_LAYER_N][sizeof(((DoctorLayer *)0)->detail) + 32]; /* with the errno's name */
        IsolationLevel demanded;
        LayerSet reached;     /* by the run */
        char run_error[1024]; /* empty where the run went well */
        char python[64];      /* the version; empty where the run did not say */
};

/* Works out advice and details from the probe and from what the run has reached. */
void doctor_conclude(SprDoctor *doctor, const char *agent);

DEFINE_CLEANUP(SprDoctor *, spr_doctor_free)
