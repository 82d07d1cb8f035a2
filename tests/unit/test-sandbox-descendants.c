/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "child.h"
#include "sandbox/descendants.h"

/* Every process of a tree holds the write end: the read end ends when the last one is gone. */
static int alive[2];
static int ready[2];

static _Noreturn void linger(void) {
        CHECK(write(ready[1], "r", 1) == 1);
        for (;;)
                (void)pause();
}

static void *fork_in_thread(void *unused) {
        (void)unused;
        if (fork() == 0)
                linger();
        for (;;)
                (void)pause();
        return NULL;
}

/* Four processes: itself, a child, a daemon whose parent has ended, and a child of a thread. */
static _Noreturn void tree(void) {
        pthread_t thread;

        if (fork() == 0)
                linger();
        if (fork() == 0) {
                (void)setsid();
                if (fork() == 0)
                        linger();
                _exit(0);
        }
        CHECK(pthread_create(&thread, NULL, fork_in_thread, NULL) == 0);
        linger();
}

static void wait_ready(unsigned int n) {
        char byte;

        while (n-- > 0)
                CHECK(read(ready[0], &byte, 1) == 1);
}

static void reap(void) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
}

/* As the zygote does: kill what is unknown, reap, again, since the dead leave orphans. */
static void sweep_until_gone(int proc_fd, pid_t known) {
        char byte;

        CHECK(fcntl(alive[0], F_SETFL, O_NONBLOCK) == 0);
        while (read(alive[0], &byte, 1) != 0) {
                CHECK(errno == EAGAIN);
                CHECK(descendants_kill_unknown(proc_fd, &known, 1) >= 0);
                reap();
        }
}

static int open_all(void) {
        CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
        CHECK(pipe(alive) == 0 && pipe(ready) == 0);
        return open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int known_live_unknown_die(void) {
        int proc_fd = open_all();
        pid_t known;

        known = fork();
        if (known == 0) {
                (void)close(alive[1]);
                linger();
        }
        if (fork() == 0)
                tree();
        wait_ready(5);
        (void)close(alive[1]);
        sweep_until_gone(proc_fd, known);
        CHECK(kill(known, 0) == 0);
        while (descendants_kill_unknown(proc_fd, &known, 1) > 0) /* dead, and not reaped yet */
                reap();
        CHECK(kill(known, SIGKILL) == 0);
        return CHILD_PASSED;
}

/* One sweep finds the whole of a living tree, also what a thread has forked. */
static int one_sweep(void) {
        int proc_fd = open_all();

        if (fork() == 0)
                tree();
        wait_ready(4);
        CHECK(descendants_kill_unknown(proc_fd, NULL, 0) == 5); /* and a zombie */
        return CHILD_PASSED;
}

/* More children than one read of /proc gives: a page of numbers. */
static int many(void) {
        int proc_fd = open_all();

        for (unsigned int i = 0; i < 900; ++i) {
                pid_t pid = fork();

                CHECK(pid >= 0);
                if (pid == 0)
                        linger();
        }
        wait_ready(900);
        CHECK(descendants_kill_unknown(proc_fd, NULL, 0) == 900);
        for (unsigned int i = 0; i < 900; ++i)
                CHECK(wait(NULL) > 0);
        return CHILD_PASSED;
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {known_live_unknown_die, one_sweep, many};
        const struct CMUnitTest tests[] = {
                {"known_live_unknown_die", run_row, NULL, NULL, &rows[0]},
                {"one_sweep", run_row, NULL, NULL, &rows[1]},
                {"many", run_row, NULL, NULL, &rows[2]},
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
