#pragma once
/* SPDX-License-Identifier: MIT */
/*
 * Interrupt: Ctrl-C and its relatives as an event to poll for
 *
 * SIGINT, SIGTERM and SIGHUP are noted while a run is in flight and wake interrupt_poll() without a
 * race. A second one ends the process at once. Process-wide, hence no object.
 */
#include <stdint.h>

enum {
        _INTERRUPT_E_SUCCESS,
        INTERRUPT_E_TIMEOUT, /* nothing happened, perhaps for less than the time */
        INTERRUPT_E_SIGNAL,  /* interrupt_signal() says which */
};

/* Call once, before the run is submitted. */
void interrupt_catch(void);
/* The signal that came, 0 while none has. */
int interrupt_signal(void);
/* Waits until @fd is readable; UINT64_MAX waits for ever. The first signal is answered once, also
 * one that came before the call. Returns 0, INTERRUPT_E_* or a negative errno. */
int interrupt_poll(int fd, uint64_t timeout_ns);
