/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/embedded-worker.h"
#include "agent/zygote-process.h"
#include "base/failure.h"
#include "base/fd.h"
#include "sandbox/capabilities.h"
#include "wire/packet.h"

/* Where the interpreter finds its descriptors; module.c knows them too. */
enum {
        ZYGOTE_FD_CONTROL = 3,
        ZYGOTE_FD_WORKER = 4,
        _ZYGOTE_FD_N,
};

/* Loads worker.so without a look at sys.path. The name under /proc is resolved once, here; no view
 * exists yet. Why an exception leads into it: module.c. */
static const char zygote_program[] =
        "import sys, _imp, _frozen_importlib as f\n"
        "s = f.ModuleSpec('spr_worker', None, origin='/proc/self/fd/4')\n"
        "m = _imp.create_dynamic(s)\n"
        "_imp.exec_dynamic(m)\n"
        "sys.excepthook = m.serve\n"
        "raise RuntimeError\n";

static const char *const zygote_environment[] = {
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "LANG=C.UTF-8",
        "HOME=/tmp",
        "TMPDIR=/tmp",
        "LOGNAME=runner",
        "USER=runner",
        /* the zygote forks: a thread pool made at import would be lost in every worker */
        "OMP_NUM_THREADS=1",
        "OPENBLAS_NUM_THREADS=1",
        "MKL_NUM_THREADS=1",
        "NUMEXPR_NUM_THREADS=1",
        "POLARS_SKIP_CPU_CHECK=1", /* it would run code that it writes, which no run may */
        NULL,
};

static int zygote_worker_memfd(int *fdp, Failure *failure) {
        _cleanup_(closep) int fd = -1;
        int r;

        fd = (int)syscall(SYS_memfd_create, "spr-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a memfd");
        r = fd_write_all(fd, embedded_worker, (size_t)(embedded_worker_end - embedded_worker));
        if (!r && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
                r = -errno;
        if (r)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot write worker.so to a memfd");
        *fdp = take_fd(&fd);
        return 0;
}

static int zygote_place_fds(int control_fd, int worker_fd, int words_fd) {
        _cleanup_(closep) int null_fd = -1;
        int control, worker, words;

        null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        control = fcntl(control_fd, F_DUPFD_CLOEXEC, _ZYGOTE_FD_N);
        worker = fcntl(worker_fd, F_DUPFD_CLOEXEC, _ZYGOTE_FD_N);
        words = fcntl(words_fd, F_DUPFD_CLOEXEC, _ZYGOTE_FD_N);
        if (null_fd < 0 || control < 0 || worker < 0 || words < 0)
                return -errno;
        if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(words, STDOUT_FILENO) < 0 ||
            dup2(words, STDERR_FILENO) < 0 || dup2(control, ZYGOTE_FD_CONTROL) < 0 ||
            dup2(worker, ZYGOTE_FD_WORKER) < 0)
                return -errno;
        return 0;
}

static _Noreturn void zygote_give_up(int control_fd, int error) {
        Failure failure = FAILURE_NULL;

        (void)failure_errno(&failure, FAILURE_STAGE_RESOURCES, -error,
                            "cannot place the interpreter's descriptors");
        (void)packet_send(control_fd, FRAME_ZYGOTE_FAILURE, 0, &failure, sizeof(failure), NULL,
                          0); /* the agent sees the end of the socket otherwise */
        _exit(126);
}

static _Noreturn void zygote_exec(const char *python, char *const *argv, int control_fd) {
        Failure failure = FAILURE_NULL;
        sigset_t none;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)umask(022); /* what code expects, and the view's directories are for all */
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        for (int signal_number = 1; signal_number < NSIG; ++signal_number)
                (void)signal(signal_number, SIG_DFL); /* those that cannot be set are default */
        if (geteuid() == 0 || capabilities_keep_over_exec(&failure) == 0) {
                (void)execve(python, argv, (char *const *)(uintptr_t)zygote_environment);
                (void)failure_errno(&failure, FAILURE_STAGE_ENVIRONMENT, errno, "cannot run '%s'",
                                    python);
        }
        (void)packet_send(control_fd, FRAME_ZYGOTE_FAILURE, 0, &failure, sizeof(failure), NULL,
                          0); /* the agent sees the end of the socket otherwise */
        _exit(127);
}

/* The numbers of warmup.h. */
static void zygote_format_order(char *text, size_t size, const ZygoteOrder *order) {
        (void)snprintf(text, size, "%llu %u %zu %zu", (unsigned long long)order->without,
                       order->flags, order->n_paths, order->n_preloads);
}

static char **zygote_argv(const ZygoteOrder *order, const char *numbers) {
        const char *const fixed[] = {
                order->python,       /* also how a venv's interpreter finds its venv */
                "-I",          "-B", /* imports write nothing into the environment */
                "-c",          zygote_program, numbers,
        };
        size_t n = 0;
        char **argv = calloc(ARRAY_SIZE(fixed) + order->n_paths + order->n_preloads +
                                     order->n_optional + 1,
                             sizeof(*argv));

        if (!argv)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(fixed); ++i)
                argv[n++] = (char *)(uintptr_t)fixed[i];
        for (size_t i = 0; i < order->n_paths; ++i)
                argv[n++] = (char *)(uintptr_t)order->paths[i];
        for (size_t i = 0; i < order->n_preloads; ++i)
                argv[n++] = (char *)(uintptr_t)order->preloads[i];
        for (size_t i = 0; i < order->n_optional; ++i)
                argv[n++] = (char *)(uintptr_t)order->optional[i];
        return argv;
}

int zygote_process_start(ZygoteProcess *process, const ZygoteOrder *order, Failure *failure) {
        _cleanup_(closep) int ours = -1, theirs = -1, worker = -1, words_in = -1, words_out = -1;
        _cleanup_(freep) char **argv = NULL;
        char numbers[64];
        int pair[2];
        pid_t pid;
        int r;

        r = zygote_worker_memfd(&worker, failure);
        if (r)
                return r;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot make a socket pair");
        ours = pair[0];
        theirs = pair[1];
        if (pipe2(pair, O_CLOEXEC) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno, "cannot make a pipe");
        words_out = pair[0];
        words_in = pair[1];
        zygote_format_order(numbers, sizeof(numbers), order);
        argv = zygote_argv(order, numbers);
        if (!argv || fd_set_nonblock(ours, true) || fd_set_nonblock(words_out, true))
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        pid = fork();
        if (pid == 0) {
                r = zygote_place_fds(theirs, worker, words_in);
                if (r)
                        zygote_give_up(theirs, r);
                zygote_exec(order->python, argv, ZYGOTE_FD_CONTROL);
        }
        if (pid < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, errno,
                                     "cannot fork a zygote");
        *process = (ZygoteProcess){
                .pid = pid, .control_fd = take_fd(&ours), .words_fd = take_fd(&words_out)};
        return 0;
}

void zygote_process_kill(ZygoteProcess *process) {
        if (process->pid > 0)
                (void)kill(process->pid, SIGKILL); /* not reaped yet: the pid is still its own */
        process->control_fd = fd_close(process->control_fd);
        process->words_fd = fd_close(process->words_fd);
        process->pid = -1;
}
