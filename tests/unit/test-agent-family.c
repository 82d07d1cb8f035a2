/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/family.h"
#include "agent/memory.h"
#include "child.h"

#define MIB (UINT64_C(1) << 20)

/* A child that touches @mebibytes, and in turn has a child that does; each says so and waits. */
static void start_generations(unsigned int n, size_t mebibytes, int ready_fd) {
        static char *volatile memory; /* or nothing would be touched */

        for (; n > 0; --n) {

                if (fork() != 0)
                        return;
                memory = malloc(mebibytes * MIB);
                if (memory)
                        memset((void *)memory, 1, mebibytes * MIB);
                (void)write(ready_fd, "r", 1);
        }
}

static _Noreturn void stay(void) {
        (void)alarm(60); /* should nobody end it */
        for (;;)
                (void)pause();
}

/* All of our process group but ourselves. */
static int end(void) {
        (void)signal(SIGTERM, SIG_IGN);
        CHECK(kill(0, SIGTERM) == 0);
        return CHILD_PASSED;
}

static void wait_for(int fd, unsigned int n) {
        char byte;

        while (n-- > 0)
                CHECK(read(fd, &byte, 1) == 1);
}

/* Children and grandchildren count, each beyond what it inherited. */
static int generations(void) {
        uint32_t n;
        uint64_t baseline = memory_of(getpid(), &n), sum;
        pid_t self = getpid();
        int ready[2];

        CHECK(setpgid(0, 0) == 0 && pipe(ready) == 0 && baseline > 0);
        CHECK(family_measure(getpid(), 0, baseline).memory_bytes == 0);
        start_generations(3, 8, ready[1]);
        if (getpid() != self)
                stay();
        wait_for(ready[0], 3);
        /* a fork has what its parent has: 8, 16 and 24 MiB */
        sum = family_measure(getpid(), 0, baseline).memory_bytes;
        CHECK(sum >= 40 * MIB && sum < 80 * MIB);
        return end();
}

/* Those that lost their parent are the init's; here the subreaper's. */
static int orphans(void) {
        uint32_t n;
        uint64_t baseline = memory_of(getpid(), &n), sum;
        int ready[2];

        CHECK(setpgid(0, 0) == 0 && pipe(ready) == 0);
        CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
        if (fork() == 0) {
                pid_t parent = getpid();

                start_generations(1, 16, ready[1]);
                if (getpid() != parent)
                        stay();
                _exit(0);
        }
        wait_for(ready[0], 1);
        do /* until it has been adopted */
                sum = family_measure(-1, getpid(), baseline).memory_bytes;
        while (sum < 12 * MIB);
        CHECK(sum < 32 * MIB);
        n = family_measure(-1, getpid(), baseline).n_tasks;
        CHECK(n == 1 || n == 2); /* its parent may not be reaped yet */
        CHECK(memory_of(-1, &n) == 0 && n == 0);
        return end();
}

static void run_row(void **state) {
        child_run(*(ChildFn *)*state);
}

int main(void) {
        static ChildFn rows[] = {generations, orphans};
        const struct CMUnitTest tests[] = {
                {"generations", run_row, NULL, NULL, &rows[0]},
                {"orphans", run_row, NULL, NULL, &rows[1]},
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
