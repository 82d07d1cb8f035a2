#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Doctor advice: the one command that would give a missing layer, or a weak one its full strength
 *
 * Pure: a table of what is wrong where, the likeliest cause first.
 */
#include <stdbool.h>
#include <stddef.h>

#include "engine/doctor-host.h"
#include "engine/doctor-probe.h"

/* Writes the command for @layer, which is as @found. @agent, the agent's path, may stand in it.
 * False where nothing is to be done, or we know of nothing. */
bool doctor_advise(const DoctorHost *host,
                   Layer layer,
                   const DoctorLayer *found,
                   const char *agent,
                   char *text,
                   size_t size);
