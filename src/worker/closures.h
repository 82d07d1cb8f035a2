#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Closures: a stock of C callbacks, for workers that may not make executable memory
 *
 * Runs in the zygote, once its world is closed: a few before anything else is imported, since the
 * first run is waiting (a millisecond, half of it for _ctypes itself), and all before the second.
 */
#include <stddef.h>

/* Makes room for at least @n callbacks of ctypes and as many of cffi, each where the environment
 * has it. Never fails: without a stock, callbacks raise MemoryError in a worker. */
#define CLOSURES_FIRST 128
#define CLOSURES_STOCK 1100

void closures_stock(size_t n);
