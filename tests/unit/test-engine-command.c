/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/command.h"
#include "scratch.h"

typedef struct Run {
        CommandResult result;
        Strings lines;
        Failure failure;
        int r;
} Run;

static void listen_line(void *userdata, const char *line) {
        assert_int_equal(strings_add(userdata, line), 0);
}

static void run_deinit(Run *run) {
        strings_deinit(&run->lines);
}

static void run_shell(Run *run, const char *script, uint64_t timeout_ns) {
        const char *const argv[] = {"/bin/sh", "-c", script, NULL};
        const char *const environment[] = {"PATH=/usr/bin:/bin", "GREETING=hello", NULL};
        const CommandOptions options = {
                .argv = argv,
                .environment = environment,
                .timeout_ns = timeout_ns,
                .line = listen_line,
                .userdata = &run->lines,
        };

        *run = (Run){.lines = STRINGS_NULL};
        run->r = command_run(&options, &run->result, &run->failure);
}

static void test_lines_and_status(void **state) {
        static const struct {
                const char *script, *lines[4];
                int exit_status, signal;
        } rows[] = {
                {"true", {NULL}, 0, 0},
                {"exit 7", {NULL}, 7, 0},
                {"kill -9 $$", {NULL}, 137, 9},
                {"echo one; echo two >&2; echo three", {"one", "two", "three"}, 0, 0},
                {"printf 'no newline'", {"no newline"}, 0, 0},
                {"printf '10%%\\r50%%\\r100%%\\n'", {"10%", "50%", "100%"}, 0, 0},
                {"printf '\\n\\n  \\n x\\n'", {" x"}, 0, 0},
                {"printf '\\033[31mred\\007\\n'", {" [31mred"}, 0, 0},
                {"echo $GREETING $HOME", {"hello"}, 0, 0},
                {"pwd", {"/"}, 0, 0},
                {"cat; echo end", {"end"}, 0, 0},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(run_deinit) Run run;
                size_t n = 0;

                run_shell(&run, rows[i].script, 0);
                assert_int_equal(run.r, 0);
                assert_int_equal(run.result.exit_status, rows[i].exit_status);
                assert_int_equal(run.result.signal, rows[i].signal);
                assert_false(run.result.timed_out);
                for (; n < 4 && rows[i].lines[n]; ++n)
                        assert_string_equal(strings_array(&run.lines)[n], rows[i].lines[n]);
                assert_int_equal(run.lines.n_items, n);
        }
}

static void test_tail_keeps_whole_last_lines(void **state) {
        _cleanup_(run_deinit) Run run;
        char summary[40];

        (void)state;
        run_shell(&run, "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done", 0);
        assert_int_equal(run.lines.n_items, 3000);
        assert_true(run.result.tail_length <= COMMAND_TAIL_MAX);
        assert_true(run.result.tail_length > COMMAND_TAIL_MAX - 20);
        assert_memory_equal(run.result.tail, "line ", 5);
        assert_string_equal(run.result.tail + run.result.tail_length - 10, "line 2999\n");
        command_result_summary(&run.result, summary, sizeof(summary));
        assert_string_equal(summary + strlen(summary) - 20, "line 2998; line 2999");
}

static void test_summary(void **state) {
        static const struct {
                const char *tail, *summary;
                size_t size;
        } rows[] = {
                {"", "", 10},
                {"one\n", "one", 10},
                {"one\n", "", 1},
                {"one\ntwo\n", "one; two", 100},
                {"  two   words \n x\n", "two words ; x", 100},
                {"abcdefghij\n", "ghij", 6},
                {"a\xc3\xa9\n", "", 3},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                CommandResult result = COMMAND_RESULT_NULL;
                char summary[100];

                result.tail_length = strlen(rows[i].tail);
                memcpy(result.tail, rows[i].tail, result.tail_length + 1);
                command_result_summary(&result, summary, rows[i].size);
                assert_true(strlen(summary) < rows[i].size);
                assert_string_equal(summary, rows[i].summary);
        }
}

static void test_long_line_comes_in_pieces(void **state) {
        _cleanup_(run_deinit) Run run;

        (void)state;
        run_shell(&run, "head -c 2500 /dev/zero | tr '\\0' x", 0);
        assert_int_equal(run.lines.n_items, 3);
        assert_int_equal(strlen(run.lines.items[0]), COMMAND_LINE_MAX);
        assert_int_equal(strlen(run.lines.items[2]), 2500 - 2 * COMMAND_LINE_MAX);
}

static void test_timeout_kills(void **state) {
        _cleanup_(run_deinit) Run run;
        uint64_t before_ns = clock_now_ns();

        (void)state;
        run_shell(&run, "echo started; exec sleep 60", 200 * NSEC_PER_MSEC);
        assert_int_equal(run.r, 0);
        assert_true(run.result.timed_out);
        assert_int_equal(run.result.signal, SIGKILL);
        assert_string_equal(run.lines.items[0], "started");
        assert_true(clock_now_ns() - before_ns < 30 * NSEC_PER_SEC);
}

/* Its end is the end of the process, whoever still holds its output. */
static void test_left_child_is_not_waited_for(void **state) {
        _cleanup_(run_deinit) Run run;
        uint64_t before_ns = clock_now_ns();

        (void)state;
        run_shell(&run, "sleep 60 & echo $!", 0);
        assert_int_equal(run.r, 0);
        assert_true(clock_now_ns() - before_ns < 30 * NSEC_PER_SEC);
        assert_int_equal(run.lines.n_items, 1);
        assert_int_equal(kill((pid_t)strtol(run.lines.items[0], NULL, 10), SIGKILL), 0);
}

static void test_closed_output_is_not_the_end(void **state) {
        _cleanup_(run_deinit) Run run;

        (void)state;
        run_shell(&run, "echo bye; exec >&- 2>&-; head -c 1 /dev/zero >/dev/null; exit 3", 0);
        assert_int_equal(run.result.exit_status, 3);
        assert_int_equal(run.lines.n_items, 1);
}

static void test_missing_program(void **state) {
        const char *const argv[] = {"/nowhere/uv", NULL};
        const char *const environment[] = {NULL};
        const CommandOptions options = {.argv = argv, .environment = environment};
        CommandResult result;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(command_run(&options, &result, &failure), -ENOENT);
        assert_string_equal(failure.text, "cannot start '/nowhere/uv': No such file or directory");
}

/* Host descriptors and the host's ignored signals stay behind. */
static void test_child_starts_clean(void **state) {
        _cleanup_(closep) _unused_ int leaky_fd = open("/dev/null", O_RDONLY); // NOLINT: on purpose
        _cleanup_(run_deinit) Run run;

        (void)state;
        (void)signal(SIGPIPE, SIG_IGN);
        run_shell(&run, "ls /proc/self/fd | wc -l; yes | head -n 1; grep SigIgn /proc/self/status",
                  0);
        (void)signal(SIGPIPE, SIG_DFL);
        assert_int_equal(run.lines.n_items, 3);
        assert_string_equal(run.lines.items[0], "4"); /* 0, 1, 2 and the directory's own */
        assert_string_equal(run.lines.items[1], "y");
        assert_null(strstr(run.lines.items[2], "1000")); /* SIGPIPE is bit 12 */
}

static size_t count_fds(void) {
        DIR *dir = opendir("/proc/self/fd");
        size_t n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                ++n;
        (void)closedir(dir);
        return n;
}

static void test_nothing_is_left(void **state) {
        size_t n_before = count_fds();
        int status;

        (void)state;
        for (int i = 0; i < 5; ++i) {
                _cleanup_(run_deinit) Run run;

                run_shell(&run, "echo x", 0);
        }
        assert_int_equal(count_fds(), n_before);
        assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

static void test_ignored_sigchld_is_named(void **state) {
        _cleanup_(run_deinit) Run run;

        (void)state;
        (void)signal(SIGCHLD, SIG_IGN);
        run_shell(&run, "echo x", 0);
        (void)signal(SIGCHLD, SIG_DFL);
        assert_int_equal(run.r, -ECHILD);
        assert_non_null(strstr(run.failure.text, "SIGCHLD"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines_and_status),
                cmocka_unit_test(test_tail_keeps_whole_last_lines),
                cmocka_unit_test(test_summary),
                cmocka_unit_test(test_long_line_comes_in_pieces),
                cmocka_unit_test(test_timeout_kills),
                cmocka_unit_test(test_left_child_is_not_waited_for),
                cmocka_unit_test(test_closed_output_is_not_the_end),
                cmocka_unit_test(test_missing_program),
                cmocka_unit_test(test_child_starts_clean),
                cmocka_unit_test(test_nothing_is_left),
                cmocka_unit_test(test_ignored_sigchld_is_named),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
