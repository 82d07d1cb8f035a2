#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Requests: what each frame of the host does
 */
#include "agent/link.h"

/* The HostLinkFn of the agent: one row of a table per frame type. */
int requests_handle(HostLink *link,
                    const FrameHeader *header,
                    const uint8_t *payload,
                    Failure *failure);
