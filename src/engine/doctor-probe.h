#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Doctor probe: what `spr-agent --probe` says of each layer, taken in and held against a run
 *
 * Host process. The lines are parsed here, the trying is the agent's (agent/probe.h).
 */
#include <stdbool.h>

#include "base/failure.h"
#include "base/layers.h"

typedef struct DoctorLayer DoctorLayer;
typedef struct DoctorProbe DoctorProbe;

typedef enum DoctorState {
        DOCTOR_MISSING, /* also where the agent did not say */
        DOCTOR_INAPPLICABLE,
        DOCTOR_WEAK,
        DOCTOR_OK,
        DOCTOR_DIFFERS, /* the probe and a real run disagree */
        _DOCTOR_STATE_N,
} DoctorState;

struct DoctorLayer {
        DoctorState state;
        char error[24];                /* "EPERM"; empty where none applies */
        char detail[FAILURE_TEXT_MAX]; /* empty where there is nothing to say */
};

struct DoctorProbe {
        DoctorLayer layers[_LAYER_N];
};

#define DOCTOR_PROBE_NULL                                                                          \
        (DoctorProbe) {                                                                            \
                .layers = { {.state = DOCTOR_MISSING} }                                            \
        }

/* "missing", "inapplicable", "weak", "ok", "differs" */
const char *doctor_state_name(DoctorState state);
/* What a layer keeps the code from, in a few words. */
const char *doctor_layer_protects(Layer layer);

/* Runs the agent at @path and takes its lines. Blocks for at most half a minute. */
int doctor_probe_run(DoctorProbe *probe, const char *path, Failure *failure);
/* False for a line that is none; a layer that we do not know is a line. */
bool doctor_probe_take(DoctorProbe *probe, const char *line);
/* The layers that a run should have by it. */
LayerSet doctor_probe_layers(const DoctorProbe *probe);
/* Marks every layer in which a run that reached @reached was otherwise. */
void doctor_probe_compare(DoctorProbe *probe, LayerSet reached);
