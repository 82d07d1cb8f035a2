#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Closures: a stock of C callbacks, for workers that may not make executable memory
 *
 * Runs once, in the zygote, after the world is closed and before anything else is imported.
 */

/* Makes room for at least CLOSURES_STOCK callbacks of ctypes and as many of cffi, each where the
 * environment has it. Never fails: without a stock, callbacks raise MemoryError in a worker. */
#define CLOSURES_STOCK 1100

void closures_stock(void);
