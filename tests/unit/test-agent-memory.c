/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/memory.h"
#include "base/fd.h"
#include "child.h"

#define MIB (UINT64_C(1) << 20)

static int orders[2], reports[2], pidfd;
static pid_t pid;

/* 16 GiB of which a byte in 2 MiB is looked at: the page of zeros, and 32 MiB of page tables. */
static void read_sparsely(void) {
        const size_t size = (size_t)16 << 30, step = (size_t)2 << 20;
        char *at = mmap(NULL, size, PROT_READ, MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);

        if (at == MAP_FAILED || madvise(at, size, MADV_NOHUGEPAGE) < 0)
                _exit(1);
        for (size_t i = 0; i < size; i += step)
                (void)*(volatile char *)(at + i);
}

/* 'a' and 's': 32 MiB more, private or shared; 'f': gives back the last of them; 't': page tables.
 */
static void obey(char order) {
        static char *last;

        if (order == 't') {
                read_sparsely();
                return;
        }

        if (order == 'f') {
                (void)munmap(last, 32 * MIB);
                return;
        }
        last = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE,
                    MAP_ANONYMOUS | (order == 's' ? MAP_SHARED : MAP_PRIVATE), -1, 0);
        if (last == MAP_FAILED)
                _exit(1);
        memset(last, 1, 32 * MIB);
}

static int setup(void **state) {
        char order;

        (void)state;
        if (pipe(orders) < 0 || pipe(reports) < 0)
                return -1;
        pid = fork();
        if (pid == 0) {
                (void)close(orders[1]);
                while (read(orders[0], &order, 1) == 1) {
                        obey(order);
                        (void)!write(reports[1], &order, 1);
                }
                _exit(0);
        }
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
        return 0;
}

static int teardown(void **state) {
        (void)state;
        for (size_t i = 0; i < 2; ++i) {
                (void)fd_close(orders[i]);
                (void)close(reports[i]);
        }
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        pidfd = fd_close(pidfd);
        return 0;
}

static void order(char what) {
        assert_int_equal(write(orders[1], &what, 1), 1);
        assert_int_equal(read(reports[0], &what, 1), 1);
}

static void assert_about(uint64_t bytes, uint64_t expected) {
        /* more: page tables, and those of the sanitizer's shadow */
        if (bytes + MIB < expected || bytes > expected + 6 * MIB)
                fail_msg("%llu MiB, not about %llu", (unsigned long long)(bytes / MIB),
                         (unsigned long long)(expected / MIB));
}

static void test_allocations(void **state) {
        static const struct {
                char order;
                uint64_t now, peak; /* MiB */
        } rows[] = {{'a', 32, 32}, {'s', 64, 64}, {'f', 32, 64},
                    {'a', 64, 64}, {'a', 96, 96}, {'t', 128, 128}};
        MemoryWatch watch;

        (void)state;
        if (pidfd < 0)
                child_skip(CHILD_ON_VALGRIND);
        memory_watch_init(&watch, pidfd);
        if (watch.status_fd < 0)
                fail_msg("no usable /proc");
        assert_about(memory_watch_sample(&watch), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
                order(rows[i].order);
                assert_about(memory_watch_sample(&watch), rows[i].now * MIB);
                assert_about(watch.peak_bytes, rows[i].peak * MIB);
        }
        memory_watch_deinit(&watch);
        assert_int_equal(watch.status_fd, -1);
        memory_watch_deinit(&watch);
}

/* What came and went between two looks. */
static void test_high_water(void **state) {
        MemoryWatch watch;

        (void)state;
        if (pidfd < 0)
                child_skip(CHILD_ON_VALGRIND);
        memory_watch_init(&watch, pidfd);
        order('a');
        order('f');
        assert_about(memory_watch_sample(&watch), 0);
        assert_about(watch.peak_bytes, 32 * MIB);
        memory_watch_deinit(&watch);
}

/* 32 MiB that are written to are at least as many faults as there are huge pages in them. */
static void test_page_faults(void **state) {
        uint64_t before, after, major;
        MemoryWatch watch;

        (void)state;
        if (pidfd < 0)
                child_skip(CHILD_ON_VALGRIND);
        memory_watch_init(&watch, pidfd);
        assert_int_equal(memory_page_faults(&watch, &before, &major), 0);
        order('a');
        assert_int_equal(memory_page_faults(&watch, &after, &major), 0);
        assert_true(after >= before + 16);
        assert_true(memory_own_bytes(&watch) >= after * 4096);
        memory_watch_deinit(&watch);
        watch.pid = 0;
        assert_true(memory_page_faults(&watch, &after, &major) < 0);
}

/* The process may end at any time, and so may its pidfd never have been one. */
static void test_the_dead(void **state) {
        MemoryWatch watch;

        (void)state;
        if (pidfd < 0)
                child_skip(CHILD_ON_VALGRIND);
        memory_watch_init(&watch, pidfd);
        order('a');
        (void)memory_watch_sample(&watch);
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(memory_watch_sample(&watch), 0);
        assert_about(watch.peak_bytes, 32 * MIB);
        memory_watch_deinit(&watch);
        memory_watch_init(&watch, pidfd);
        assert_int_equal(watch.status_fd, -1);
        memory_watch_init(&watch, STDIN_FILENO);
        assert_int_equal(watch.status_fd, -1);
        memory_watch_init(&watch, -1);
        assert_int_equal(watch.status_fd, -1);
        assert_int_equal(memory_watch_sample(&watch), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_allocations, setup, teardown),
                cmocka_unit_test_setup_teardown(test_page_faults, setup, teardown),
                cmocka_unit_test_setup_teardown(test_high_water, setup, teardown),
                cmocka_unit_test_setup_teardown(test_the_dead, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
