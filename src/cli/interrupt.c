/* SPDX-License-Identifier: MIT */
/*
 * The signals stay unblocked while libspr spawns the agent, which would inherit a blocked mask.
 * They are blocked from the first interrupt_poll() on, and ppoll() opens them only while it sleeps:
 * one that arrives between the check of the flag and the sleep is not lost.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "base/attr.h"
#include "base/clock.h"
#include "cli/interrupt.h"

static const int caught_signals[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t arrived;
static bool answered;

static void note_signal(int signal) {
        arrived = signal;
}

void interrupt_catch(void) {
        /* Reset on entry: whoever presses Ctrl-C twice wants out. */
        struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};

        for (size_t i = 0; i < ARRAY_SIZE(caught_signals); i++) {
                struct sigaction before = {0};

                (void)sigaction(caught_signals[i], NULL, &before);
                if (before.sa_handler != SIG_IGN) /* nohup, or a shell's background job */
                        (void)sigaction(caught_signals[i], &action, NULL);
        }
}

int interrupt_signal(void) {
        return arrived;
}

static bool signal_is_news(void) {
        if (!arrived || answered)
                return false;
        answered = true;
        return true;
}

int interrupt_poll(int fd, uint64_t timeout_ns) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        struct timespec timeout = {
                .tv_sec = (time_t)(timeout_ns / NSEC_PER_SEC),
                .tv_nsec = (long)(timeout_ns % NSEC_PER_SEC),
        };
        sigset_t caught, sleeping;
        int n;

        (void)sigemptyset(&caught);
        for (size_t i = 0; i < ARRAY_SIZE(caught_signals); i++)
                (void)sigaddset(&caught, caught_signals[i]);
        if (sigprocmask(SIG_BLOCK, &caught, &sleeping) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(caught_signals); i++)
                (void)sigdelset(&sleeping, caught_signals[i]);

        if (signal_is_news())
                return INTERRUPT_E_SIGNAL;
        n = ppoll(&ready, 1, timeout_ns == UINT64_MAX ? NULL : &timeout, &sleeping);
        if (n < 0 && errno != EINTR)
                return -errno;
        if (signal_is_news())
                return INTERRUPT_E_SIGNAL;
        return n > 0 ? 0 : INTERRUPT_E_TIMEOUT;
}
