/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent-host.h"

#define WHERE  "result = [hash('abc'), id(object)]"
#define N_RUNS 60

static int setup(void **state) {
        host_n_forks_max = 10;
        host_n_standbys = 2;
        return host_setup(state);
}

static int setup_several(void **state) {
        host_n_zygotes_max = 2;
        host_n_standbys = 0;
        return host_setup(state);
}

static int setup_alone(void **state) {
        host_n_forks_max = 10;
        host_n_standbys = 0;
        return host_setup(state);
}

static int teardown(void **state) {
        host_n_forks_max = host_n_zygotes_max = 0;
        return host_teardown(state);
}

/* Neither hash seed nor address layout stays for long, and the change costs no run. */
static void test_rotation(void **state) {
        _cleanup_(host_result_deinit) HostResult last = {.failed = false};
        unsigned int n_changes = 0;

        (void)state;
        for (uint64_t id = 1; id <= N_RUNS || n_changes < 2; ++id) {
                HostResult result;

                host_submit_with(id, host_submit_default, WHERE);
                host_result(id, &result);
                assert_false(result.failed);
                assert_int_equal(result.frame.outcome, OUTCOME_OK);
                if (last.data[DATA_RESULT])
                        n_changes += strcmp(last.data[DATA_RESULT], result.data[DATA_RESULT]) != 0;
                host_result_deinit(&last);
                last = result;
        }
}

/* Runs that come faster than one zygote forks have it get help; each has a seed of its own. */
static void test_several(void **state) {
        enum {
                IN_FLIGHT = 16
        };
        char first[64] = "";
        bool several = false;
        uint64_t id = 1;

        (void)state;
        for (; id <= IN_FLIGHT; ++id)
                host_submit_with(id, host_submit_default, "result = hash('abc')");
        for (; !several; ++id) {
                do
                        assert_true(host_receive());
                while (host_last.header.type != FRAME_DATA);
                if (!first[0])
                        (void)snprintf(first, sizeof(first), "%.60s", (char *)host_last.payload);
                several = strcmp(first, (char *)host_last.payload) != 0;
                host_submit_with(id, host_submit_default, "result = hash('abc')");
        }
}

static pid_t parent_of(pid_t pid) {
        char path[64], text[512];
        const char *at;
        ssize_t n;
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd_read(fd, text, sizeof(text) - 1);
        (void)fd_close(fd);
        assert_true(n > 0);
        text[n] = '\0';
        at = strrchr(text, ')');
        return (pid_t)strtol(at + 4, NULL, 10);
}

static bool is_zygote(pid_t pid) {
        char path[64], name[32];
        ssize_t n;
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : fd_read(fd, name, sizeof(name) - 1);
        (void)fd_close(fd);
        name[n > 0 ? n : 0] = '\0';
        return strcmp(name, "spr-zygote\n") == 0;
}

/* A zygote of the same agent, where there is a second one; else -1. */
static pid_t sibling_of(pid_t zygote) {
        pid_t agent = parent_of(zygote), found = -1;
        char path[64], line[4096], *end;
        ssize_t n;
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)agent, (int)agent);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd_read(fd, line, sizeof(line) - 1);
        (void)fd_close(fd);
        line[n > 0 ? n : 0] = '\0';
        for (char *p = line;; p = end) {
                pid_t pid = (pid_t)strtol(p, &end, 10);

                if (end == p)
                        return found;
                if (pid != zygote && is_zygote(pid))
                        found = pid;
        }
}

/* Zygotes that fork no more are no help to a run that waits for a worker. */
static void test_only_a_retired_one(void **state) {
        pid_t first = host_zygote();
        bool served = false;
        uint64_t id = 2;

        (void)state;
        host_submit(1, "import time\ntime.sleep(1000)");
        host_wait_workers(1);
        while (sibling_of(first) < 0)
                host_run(id++, "result = 1", "1");
        for (unsigned int i = 0; i < 5; ++i) /* of the new one */
                host_run(id++, "result = 1", "1");
        (void)kill(sibling_of(first), SIGKILL);
        while (!served) {
                HostResult result;

                host_submit(id, "result = 1");
                host_result(id++, &result);
                served = !result.failed;
                host_result_deinit(&result);
        }
        host_cancel(1);
}

/* The standbys of a kind of run that nobody wants any more do not hold the zygote they are of. */
static void test_retired_goes(void **state) {
        SubmitFrame rare = host_submit_default;
        pid_t first = host_zygote(), second;
        uint64_t id = 1;

        (void)state;
        rare.disk_bytes = 1 << 20;
        for (; id <= 2; ++id) {
                HostResult result;

                host_submit_with(id, rare, "result = 1");
                host_result(id, &result);
                assert_false(result.failed);
                host_result_deinit(&result);
        }
        host_wait_workers(host_n_standbys);
        for (second = -1; second < 0; second = sibling_of(first))
                host_run(id++, "result = 1", "1");
        while (kill(first, 0) == 0)
                (void)poll(NULL, 0, 1);
        assert_int_equal(kill(second, 0), 0);
}

/* Of a zygote that served, of one that was not ready, of a worker. */
static bool tells_of_a_death(const char *text) {
        static const char *const words[] = {"the zygote died", "was killed by signal 9 before",
                                            "the worker ended before"};

        for (size_t i = 0; i < ARRAY_SIZE(words); ++i)
                if (strstr(text, words[i]))
                        return true;
        print_error("%s\n", text);
        return false;
}

/* A zygote that dies while its successor starts costs the runs it has and no other. */
static void test_killed(void **state) {
        (void)state;
        for (uint64_t id = 1; id <= N_RUNS; ++id) {
                HostResult result;

                if (id % 7 == 0)
                        (void)kill(host_zygote(), SIGKILL);
                host_submit_with(id, host_submit_default, "result = 1");
                host_result(id, &result);
                if (result.failed)
                        assert_true(tells_of_a_death(result.failure.text));
                else
                        assert_string_equal(result.data[DATA_RESULT], "1");
                host_result_deinit(&result);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
                cmocka_unit_test_setup_teardown(test_retired_goes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_only_a_retired_one, setup_alone, teardown),
                cmocka_unit_test_setup_teardown(test_several, setup_several, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
