/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "engine/packages.h"
#include "engine/venv-marker.h"
#include "engine/venv.h"
#include "fake-uv.h"

typedef struct Attempt {
        Strings packages;
        Strings lines;
        Failure failure;
        VenvOptions options;
} Attempt;

static void listen_line(void *userdata, const char *line) {
        assert_int_equal(strings_add(userdata, line), 0);
}

static void attempt_init(Attempt *attempt, const char *package) {
        *attempt = (Attempt){
                .options =
                        {
                                .directory = scratch_path("venv"),
                                .manager = INSTALLER_MANAGER_UV,
                                .python = scratch_path("base/python3.11"),
                                .search_path = fake_search_path(),
                                .packages = &attempt->packages,
                                .progress = listen_line,
                                .userdata = &attempt->lines,
                        },
        };
        if (package)
                assert_int_equal(packages_add_pinned(&attempt->packages, package, NULL), 0);
}

static void attempt_deinit(Attempt *attempt) {
        strings_deinit(&attempt->packages);
        strings_deinit(&attempt->lines);
}

static int ensure(Attempt *attempt) {
        char *python = NULL;
        int r;

        attempt->failure = FAILURE_NULL;
        r = venv_ensure(&attempt->options, &python, &attempt->failure);
        if (r == 0)
                assert_string_equal(scratch_keep(python), scratch_path("venv/bin/python"));
        return r;
}

/* One attempt on scratch/venv with a package or none. */
static int ensure_with(const char *package) {
        _cleanup_(attempt_deinit) Attempt attempt;

        attempt_init(&attempt, package);
        return ensure(&attempt);
}

static void assert_fails(const char *package, int code, const char *words) {
        _cleanup_(attempt_deinit) Attempt attempt;

        attempt_init(&attempt, package);
        assert_int_equal(ensure(&attempt), code);
        assert_non_null(strstr(attempt.failure.text, words));
}

static void test_made_once(void **state) {
        _cleanup_(attempt_deinit) Attempt attempt;

        (void)state;
        (void)fake_uv_install();
        attempt_init(&attempt, "a==1");
        assert_int_equal(ensure(&attempt), 0);
        assert_string_equal(scratch_read("log"), "venv\npip\n");
        assert_true(scratch_exists("venv/lib/a==1"));
        assert_false(scratch_exists("venv/" VENV_INCOMPLETE_NAME));
        assert_non_null(strstr(scratch_read("venv/" VENV_MARKER_NAME), "\"3.11.2\""));
        assert_int_equal(attempt.lines.n_items, 2);
        assert_non_null(strstr(attempt.lines.items[0], "making venv '"));
        assert_non_null(strstr(attempt.lines.items[1], "installing a==1 into '"));
        /* again, with less, and by another spelling: no process is started */
        assert_int_equal(ensure_with("a==1"), 0);
        assert_int_equal(ensure_with(NULL), 0);
        assert_int_equal(ensure_with("A==1"), 0);
        assert_string_equal(scratch_read("log"), "venv\npip\n");
}

static void test_another_set_is_installed(void **state) {
        (void)state;
        (void)fake_uv_install();
        assert_int_equal(ensure_with(NULL), 0);
        assert_string_equal(scratch_read("log"), "venv\n");
        assert_int_equal(ensure_with("a==1"), 0);
        assert_int_equal(ensure_with("a==2"), 0);
        assert_string_equal(scratch_read("log"), "venv\npip\npip\n");
        assert_null(strstr(scratch_read("installs"), "--reinstall"));
        /* the marker tells of the last set only */
        assert_int_equal(ensure_with("a==1"), 0);
        assert_string_equal(scratch_read("log"), "venv\npip\npip\npip\n");
}

static void test_empty_directory_is_used(void **state) {
        (void)state;
        (void)fake_uv_install();
        assert_int_equal(mkdir(scratch_path("venv"), 0755), 0);
        assert_int_equal(ensure_with("a==1"), 0);
}

static void test_users_venv_is_left_alone(void **state) {
        const char *base = fake_uv_install();

        (void)state;
        (void)scratch_write("venv/bin/activate", "");
        (void)scratch_write("venv/lib/mine", "");
        (void)scratch_write("venv/pyvenv.cfg", "version = 3.12.1\n");
        assert_int_equal(symlink(base, scratch_path("venv/bin/python")), 0);
        assert_int_equal(ensure_with(NULL), 0);
        assert_string_equal(scratch_read("log"), "");
        assert_false(scratch_exists("venv/" VENV_MARKER_NAME));
        assert_false(scratch_exists("venv/.safe-py-runner.lock"));
        /* packages that are asked for do go in */
        assert_int_equal(ensure_with("a==1"), 0);
        assert_string_equal(scratch_read("log"), "pip\n");
        assert_non_null(strstr(scratch_read("venv/" VENV_MARKER_NAME), "\"created\": false"));
        assert_non_null(strstr(scratch_read("venv/" VENV_MARKER_NAME), "\"3.12.1\""));
        /* and it is not cleared when its interpreter vanishes */
        assert_int_equal(unlink(base), 0);
        assert_fails("a==1", VENV_E_FAILED, "is gone: make the venv anew");
        assert_true(scratch_exists("venv/bin/activate"));
}

static void test_vanished_interpreter(void **state) {
        const char *base = fake_uv_install();

        (void)state;
        assert_int_equal(ensure_with("a==1"), 0);
        (void)scratch_write("venv/lib/old", "");
        assert_int_equal(unlink(base), 0);
        fake_uv_orders("");
        assert_fails("a==1", VENV_E_INTERPRETER, "no interpreter at '");
        (void)fake_uv_install();
        assert_int_equal(ensure_with("a==1"), 0);
        assert_string_equal(scratch_read("log"), "venv\npip\n");
        assert_false(scratch_exists("venv/lib/old"));
}

static void test_replaced_interpreter(void **state) {
        (void)state;
        (void)fake_uv_install();
        assert_int_equal(ensure_with("a==1"), 0);
        assert_int_equal(rename(scratch_path("base/python3.11"), scratch_path("base/python3.12")),
                         0);
        assert_int_equal(symlink("python3.12", scratch_path("base/python3.11")), 0);
        assert_int_equal(ensure_with("a==1"), 0);
        assert_string_equal(scratch_read("log"), "venv\npip\nvenv\npip\n");
}

static void test_bad_places(void **state) {
        (void)state;
        (void)fake_uv_install();
        (void)scratch_write("venv/thesis.txt", "precious");
        assert_fails("a==1", VENV_E_FAILED, "is not a venv");
        assert_false(scratch_exists("venv/.safe-py-runner.lock"));
        assert_string_equal(scratch_read("venv/thesis.txt"), "precious");
        (void)scratch_write("venv/pyvenv.cfg", "");
        assert_fails("a==1", VENV_E_FAILED, "has no bin/python");
        assert_string_equal(scratch_read("venv/thesis.txt"), "precious");
        assert_int_equal(directory_clear(scratch_path("venv"), NULL, NULL), 0);
        assert_int_equal(rmdir(scratch_path("venv")), 0);
        (void)scratch_write("venv", "a file");
        assert_fails(NULL, VENV_E_FAILED, "is not a directory");
}

static void test_failure_leaves_nothing(void **state) {
        (void)state;
        (void)fake_uv_install();
        fake_uv_orders("[ $1 = venv ] || { echo 'No space left on device'; exit 1; }\n");
        assert_fails("a==1", VENV_E_FAILED, "uv pip install failed with exit status 1: No space");
        assert_false(scratch_exists("venv"));
        /* a directory that was there stays */
        assert_int_equal(mkdir(scratch_path("venv"), 0755), 0);
        assert_fails("a==1", VENV_E_FAILED, "No space");
        assert_true(scratch_exists("venv"));
        assert_false(scratch_exists("venv/bin"));
        fake_uv_orders("");
        assert_int_equal(ensure_with("a==1"), 0);
}

static void test_missing_uv(void **state) {
        (void)state;
        (void)fake_uv_install();
        assert_int_equal(unlink(scratch_path("uv")), 0);
        assert_fails(NULL, VENV_E_FAILED, "uv is not installed: 'pip install uv'");
        assert_false(scratch_exists("venv"));
}

static void test_missing_interpreter(void **state) {
        _cleanup_(attempt_deinit) Attempt attempt;

        (void)state;
        (void)fake_uv_install();
        attempt_init(&attempt, NULL);
        attempt.options.python = "python9";
        assert_int_equal(ensure(&attempt), VENV_E_INTERPRETER);
        assert_non_null(strstr(attempt.failure.text, "no python9 in '"));
        assert_false(scratch_exists("venv"));
}

/* Runs one attempt in a child; uv, in it, kills that child. */
static void be_killed_at(const char *verb) {
        char orders[64];
        int status;
        pid_t pid;

        (void)snprintf(orders, sizeof(orders), "[ $1 = %s ] && kill -9 $PPID\n", verb);
        fake_uv_orders(orders);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(ensure_with("a==1"));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
}

/* The killed host's uv lives on for a moment, as a real one would: wait until it is done. */
static void wait_for_uv(const char *trace) {
        while (!scratch_exists(trace))
                (void)sched_yield();
}

static void test_killed_in_the_middle(void **state) {
        (void)state;
        (void)fake_uv_install();
        be_killed_at("venv");
        wait_for_uv("venv/pyvenv.cfg");
        assert_true(scratch_exists("venv/" VENV_INCOMPLETE_NAME));
        (void)scratch_write("venv/lib/half", "");
        be_killed_at("pip");
        wait_for_uv("venv/lib/a==1");
        assert_true(scratch_exists("venv/" VENV_INCOMPLETE_NAME));
        assert_false(scratch_exists("venv/lib/half")); /* cleared by the second */
        fake_uv_orders("");
        assert_int_equal(ensure_with(NULL), 0);
        assert_string_equal(scratch_read("log"), "venv\n");
        assert_false(scratch_exists("venv/lib/a==1"));
}

/* In a complete venv nothing is cleared, but what may be half there is installed again. */
static void test_killed_while_adding(void **state) {
        (void)state;
        (void)fake_uv_install();
        assert_int_equal(ensure_with("b==1"), 0);
        (void)scratch_write("venv/lib/mine", "");
        be_killed_at("pip");
        wait_for_uv("venv/lib/a==1");
        fake_uv_orders("");
        assert_int_equal(ensure_with(NULL), 0);
        assert_string_equal(scratch_read("log"), "");
        assert_int_equal(ensure_with("a==1"), 0);
        assert_string_equal(scratch_read("log"), "pip\n");
        assert_non_null(strstr(scratch_read("installs"), " --reinstall "));
        assert_true(scratch_exists("venv/lib/mine"));
}

static void test_processes_at_once(void **state) {
        pid_t pids[6];

        (void)state;
        (void)fake_uv_install();
        for (size_t i = 0; i < ARRAY_SIZE(pids); ++i) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] == 0)
                        _exit(ensure_with("a==1") != 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(pids); ++i) {
                int status = -1;

                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                assert_int_equal(status, 0);
        }
        assert_string_equal(scratch_read("log"), "venv\npip\n");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_made_once),
                TEST(test_another_set_is_installed),
                TEST(test_empty_directory_is_used),
                TEST(test_users_venv_is_left_alone),
                TEST(test_vanished_interpreter),
                TEST(test_replaced_interpreter),
                TEST(test_bad_places),
                TEST(test_failure_leaves_nothing),
                TEST(test_missing_uv),
                TEST(test_missing_interpreter),
                TEST(test_killed_in_the_middle),
                TEST(test_killed_while_adding),
                TEST(test_processes_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
