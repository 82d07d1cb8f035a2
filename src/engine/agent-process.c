/* SPDX-License-Identifier: MIT */
/*
 * The stream is shut down before it is closed: a forked child of the host may hold a copy of the
 * descriptor, and closing ours would then tell the agent nothing. For the same reason the forked
 * child must not shut it down.
 *
 * With a pidfd every step names this very process. Without one, another thread that reaps all
 * children could have freed the number; then waitid() answers ECHILD and nothing is signalled.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/agent-process.h"
#include "engine/bootstrap.h"

/* In glibc's headers only since 2.36. */
#define WAIT_BY_PIDFD ((idtype_t)3)

/* How often a process without a pidfd is looked at. */
#define REAP_INTERVAL_MS 5

int agent_pidfd_open(pid_t pid) {
        int fd = (int)syscall(SYS_pidfd_open, pid, 0u); /* close-on-exec by definition */

        return fd < 0 ? -errno : fd;
}

/* Returns whether the process is gone, reaped by us or by somebody else. */
static bool agent_process_reap(const AgentProcess *process, int flags) {
        siginfo_t info = {0};
        int r;

        do
                r = process->pidfd >= 0
                            ? waitid(WAIT_BY_PIDFD, (id_t)process->pidfd, &info, WEXITED | flags)
                            : waitid(P_PID, (id_t)process->pid, &info, WEXITED | flags);
        while (r < 0 && errno == EINTR);
        return r < 0 || info.si_pid != 0;
}

static void agent_process_signal(const AgentProcess *process, int signal) {
        if (process->pidfd >= 0)
                (void)syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0u);
        else
                (void)kill(process->pid, signal); /* ours and not reaped: the number is its own */
}

/* Sleeps until the process may be gone; at most until @deadline_ns. */
static void agent_process_doze(const AgentProcess *process, uint64_t deadline_ns) {
        struct pollfd pollfd = {.fd = process->pidfd, .events = POLLIN};
        uint64_t now = clock_now_ns();
        uint64_t left_ms = now < deadline_ns ? (deadline_ns - now) / NSEC_PER_MSEC + 1 : 0;

        if (process->pidfd < 0 && left_ms > REAP_INTERVAL_MS)
                left_ms = REAP_INTERVAL_MS;
        (void)poll(&pollfd, 1, (int)left_ms); /* whatever it says, waitid() decides */
}

static void agent_process_end(AgentProcess *process, uint64_t grace_ns) {
        uint64_t deadline = clock_now_ns() + grace_ns;

        if (process->stream_fd >= 0)
                (void)shutdown(process->stream_fd, SHUT_RDWR);
        process->stream_fd = fd_close(process->stream_fd);
        if (process->pid > 0) {
                while (!agent_process_reap(process, WNOHANG)) {
                        if (clock_now_ns() >= deadline) {
                                agent_process_signal(process, SIGKILL);
                                (void)agent_process_reap(process, 0);
                                break;
                        }
                        agent_process_doze(process, deadline);
                }
        }
        agent_process_forget(process);
}

void agent_process_deinit(AgentProcess *process) {
        agent_process_end(process, AGENT_PROCESS_GRACE_NS);
}

void agent_process_kill(AgentProcess *process) {
        agent_process_end(process, 0);
}

void agent_process_forget(AgentProcess *process) {
        (void)fd_close(process->stream_fd);
        (void)fd_close(process->pidfd);
        (void)bootstrap_free(process->bootstrap);
        *process = AGENT_PROCESS_NULL;
}
