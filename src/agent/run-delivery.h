#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Delivery: RESULT and the data behind it, from the region to the host
 */
#include "agent/run.h"

/* Sends RESULT and puts the run in the queue of those that have data to send. */
void run_deliver(Run *run, const Verdict *verdict);
/* Sends at most one DATA frame. Returns false when nothing can be sent now; the run is gone after
 * its last one. */
bool run_deliver_one(Run *run);
