#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Stats: what the runs of an engine came to, in all
 *
 * Guarded by the lock of the engine.
 */
#include "client/run.h"
#include "spr/spr.h"

/* Counts a run that is done. */
void stats_add(SprStats *stats, const SprRun *run);
