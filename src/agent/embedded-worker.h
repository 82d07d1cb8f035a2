#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Embedded worker: the bytes of worker.so inside the agent
 *
 * Stripped; build/worker.so keeps the symbols for a debugger. The source is made by the build from
 * embedded-worker.c.in.
 */

extern const char embedded_worker[], embedded_worker_end[];
