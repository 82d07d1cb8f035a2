/* SPDX-License-Identifier: MIT */
#include "audit-log.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "client/audit-verify.h"
#include "client/audit.h"
#include "fake-agent.h"
#include "scratch.h"

static Audit *open_log(const char *path) {
        Failure failure = FAILURE_NULL;
        Audit *audit = NULL;

        assert_int_equal(audit_new(&audit, path, -1, &failure), 0);
        return audit;
}

static int write_run(Audit *audit, Failure *failure) {
        SprResult *result;
        int r;

        assert_int_equal(result_new_message(&result, OUTCOME_ERROR, KILLED_BY_NOBODY, 1, "x"), 0);
        r = audit_write(audit, &audit_log_digests, result, failure);
        (void)spr_result_free(result);
        return r;
}

/* All is as it was written, in so many lines. */
static void expect_lines(const char *const *paths, size_t n_paths, uint64_t n_lines) {
        SprError error = {0};
        SprAudit *audit;

        assert_int_equal(spr_audit_verify(&audit, paths, n_paths, &error), 0);
        if (!spr_audit_get_ok(audit))
                fail_msg("%s", spr_audit_get_fault(audit, 0));
        assert_int_equal(spr_audit_get_lines(audit), n_lines);
        (void)spr_audit_free(audit);
}

static void test_append(void **state) {
        const char *path = scratch_path("append");
        Audit *audit = open_log(path);
        struct stat status;

        (void)state;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_int_equal(write_run(audit, NULL), 0);
        (void)audit_free(audit);
        audit = open_log(path); /* goes on */
        assert_int_equal(audit_check(audit, NULL), 0);
        assert_int_equal(write_run(audit, NULL), 0);
        (void)audit_free(audit);
        expect_lines(&path, 1, 3);
}

/* Two of one process and, after a fork, a third: whoever writes knows where the file ends. */
static void test_shared(void **state) {
        const char *path = scratch_path("shared");
        Audit *a = open_log(path), *b = open_log(path);
        pid_t pid;
        int status;

        (void)state;
        for (int i = 0; i < 10; ++i) {
                assert_int_equal(write_run(a, NULL), 0);
                assert_int_equal(write_run(b, NULL), 0);
        }
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int r = 0;

                audit_after_fork(a);
                for (int i = 0; i < 50; ++i)
                        r |= write_run(a, NULL);
                (void)audit_free(a);
                (void)audit_free(b);
                _exit(r != 0);
        }
        for (int i = 0; i < 50; ++i)
                assert_int_equal(write_run(a, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        (void)audit_free(a);
        (void)audit_free(b);
        expect_lines(&path, 1, 121);
}

static void test_rotation(void **state) {
        const char *path = scratch_path("rotated"), *old = scratch_path("rotated.1");
        const char *const both[] = {old, path};
        Audit *a = open_log(path), *b = open_log(path);

        (void)state;
        assert_int_equal(write_run(a, NULL), 0);
        assert_int_equal(rename(path, old), 0);
        assert_int_equal(write_run(b, NULL), 0); /* into a new one, which names the old's end */
        assert_int_equal(write_run(a, NULL), 0);
        (void)audit_free(a);
        (void)audit_free(b);
        expect_lines(&old, 1, 2);
        expect_lines(&path, 1, 3);
        expect_lines(both, 2, 5);
}

/* logrotate's copytruncate, and a log that was deleted */
static void test_truncated(void **state) {
        const char *path = scratch_path("emptied");
        Audit *audit = open_log(path);

        (void)state;
        assert_int_equal(write_run(audit, NULL), 0);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(write_run(audit, NULL), 0);
        expect_lines(&path, 1, 2);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(write_run(audit, NULL), 0);
        expect_lines(&path, 1, 2);
        (void)audit_free(audit);
}

static void test_refusals(void **state) {
        const char *damaged = scratch_write("damaged", "{\"v\": 1}\n");
        const char *half = scratch_write("half", "{\"v\": 1");
        const char *directory = scratch_path(".");
        const struct {
                const char *path, *words;
        } cases[] = {
                {"/nowhere/audit.log", "No such file or directory"},
                {directory, "Is a directory"},
                {damaged, "its last line is no line of an audit log"},
                {half, "its last line is not whole"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                Failure failure = FAILURE_NULL;
                Audit *audit = NULL;

                assert_true(audit_new(&audit, cases[i].path, -1, &failure) < 0);
                assert_null(audit);
                assert_int_equal(failure.stage, FAILURE_STAGE_AUDIT);
                assert_non_null(strstr(failure.text, cases[i].words));
        }
}

/* What could not be written is said by the next line that can. */
static void test_lost(void **state) {
        const char *path = scratch_path("full");
        Audit *audit = open_log(path);
        struct rlimit limit, small;
        Failure failure = FAILURE_NULL;

        (void)state;
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        small = limit;
        small.rlim_cur = audit->size + 100; /* half a line fits */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        assert_true(write_run(audit, &failure) < 0);
        assert_non_null(strstr(failure.text, "cannot write the audit log"));
        assert_true(audit_check(audit, NULL) < 0);
        assert_true(write_run(audit, NULL) < 0);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        expect_lines(&path, 1, 1); /* nothing is left of what did not fit */
        assert_int_equal(audit_check(audit, NULL), 0);
        assert_non_null(strstr(scratch_read("full"), "\"event\": \"lost\", \"lines\": 2, "));
        (void)audit_free(audit);
        expect_lines(&path, 1, 2);
}

static void test_descriptors(void **state) {
        const char *path = scratch_write("by-fd", "");
        int fd = open(path, O_RDWR | O_CLOEXEC), pipe_fds[2];
        Failure failure = FAILURE_NULL;
        char text[8192];
        SprAudit verified = {.n_faults = 0};
        Audit *audit;
        ssize_t n;

        (void)state;
        assert_int_equal(audit_new(&audit, NULL, fd, &failure), 0);
        (void)fd_close(fd); /* it has its own */
        assert_int_equal(write_run(audit, NULL), 0);
        (void)audit_free(audit);
        expect_lines(&path, 1, 2);

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        assert_int_equal(audit_new(&audit, NULL, pipe_fds[1], &failure), 0);
        assert_int_equal(write_run(audit, NULL), 0);
        (void)audit_free(audit);
        (void)fd_close(pipe_fds[1]);
        n = read(pipe_fds[0], text, sizeof(text));
        assert_true(n > 0);
        (void)fd_close(pipe_fds[0]);
        assert_int_equal(audit_verify_text(&verified, "pipe", text, (size_t)n), 0);
        assert_true(spr_audit_get_ok(&verified));
        assert_int_equal(spr_audit_get_lines(&verified), 2);
        assert_true(audit_new(&audit, NULL, 1000, &failure) < 0);
}

/* An engine's: a line for each run, also for one whose JSON is none; and none, no result. */
static void test_engine(void **state) {
        const char *path = scratch_path("engine");
        SprRequest *request = fake_request("x");
        SprResult *result;
        SprError error = {0};
        FakeAgent fake;
        SprEngine *engine = fake_engine(&fake);
        Audit *audit;
        const char *text;
        uint64_t run;

        (void)state;
        engine->audit = open_log(path);
        assert_int_equal(spr_engine_post(engine, request, &run, &error), 0);
        fake_greet(&fake, 4);
        assert_int_equal(fake_take_run(&fake), run);
        fake_send_result(&fake, run, "nonsense", "");
        assert_int_equal(spr_engine_dispatch(engine, &error), 0);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_string_equal(spr_result_get_error(result), "result is not valid JSON");
        (void)spr_result_free(result);
        text = scratch_read("engine");
        assert_non_null(strstr(text, "\"error\": \"result is not valid JSON\""));
        /* sha256 of "x" */
        assert_non_null(strstr(text, "\"code_sha256\": \"2d711642b726b04401627ca9fbac32f5c8530fb190"
                                     "3cc4db02258717921a4881\""));

        /* the log breaks while a run is in progress */
        assert_int_equal(spr_engine_post(engine, request, &run, &error), 0);
        assert_int_equal(fake_take_run(&fake), run);
        fake_send_result(&fake, run, "1", "");
        audit = engine->audit;
        audit->fd = fd_close(audit->fd);
        assert_int_equal(spr_engine_dispatch(engine, &error), 0);
        assert_int_equal(spr_engine_pop(engine, &result), 0);
        assert_int_equal(spr_result_get_outcome(result), SPR_OUTCOME_INFRA);
        assert_non_null(strstr(spr_result_get_error(result), "cannot write the audit log"));
        assert_null(spr_result_get_json(result, NULL));
        (void)spr_result_free(result);
        assert_int_equal(spr_engine_post(engine, request, &run, &error), SPR_E_AUDIT);
        assert_non_null(strstr(error.message, "cannot write the audit log"));
        (void)spr_request_free(request);
        fake_end(&fake, engine);
        expect_lines(&path, 1, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_append),      cmocka_unit_test(test_shared),
                cmocka_unit_test(test_rotation),    cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_refusals),    cmocka_unit_test(test_lost),
                cmocka_unit_test(test_descriptors), cmocka_unit_test(test_engine),
        };

        return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
