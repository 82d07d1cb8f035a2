/* SPDX-License-Identifier: MIT */
#include "engine/interpreter.h"
#include "scratch.h"

/* Something executable that is no script. */
static const char *make_binary(const char *name) {
        const char *path = scratch_write(name, "\177ELF or so");

        assert_int_equal(chmod(path, 0755), 0);
        return path;
}

static int find(const char *name, const char *search_path, const char **pathp, Failure *failure) {
        const InterpreterQuery query = {.name = name, .search_path = search_path};
        char *path = NULL;
        int r;

        *failure = FAILURE_NULL;
        r = interpreter_find(&query, &path, failure);
        if (r == 0)
                *pathp = scratch_keep(path);
        return r;
}

static void assert_found(const char *name, const char *search_path, const char *expected) {
        const char *path = NULL;
        Failure failure;

        assert_int_equal(find(name, search_path, &path, &failure), 0);
        assert_string_equal(path, expected);
}

static void
assert_not_found(const char *name, const char *search_path, int code, const char *words) {
        const char *path = NULL;
        Failure failure;

        assert_int_equal(find(name, search_path, &path, &failure), code);
        assert_int_equal(failure.stage, FAILURE_STAGE_ENVIRONMENT);
        assert_non_null(strstr(failure.text, words));
}

static void test_by_path(void **state) {
        const char *binary = make_binary("bin/python3");
        char before[4096];

        (void)state;
        assert_found(binary, NULL, binary);
        assert_non_null(getcwd(before, sizeof(before)));
        assert_int_equal(chdir(scratch_root), 0);
        assert_found("./bin/python3", NULL, scratch_path("./bin/python3"));
        assert_int_equal(chdir(before), 0);
        assert_not_found(scratch_path("nowhere"), NULL, INTERPRETER_E_NOT_FOUND,
                         "no interpreter at '");
        assert_not_found(scratch_write("text", "hello"), NULL, INTERPRETER_E_UNUSABLE,
                         "text' is not executable");
        assert_not_found("", "/usr/bin", INTERPRETER_E_NOT_FOUND, "empty");
        assert_not_found("python3", NULL, INTERPRETER_E_NOT_FOUND, "not an absolute path");
}

static void test_by_name(void **state) {
        const char *second = make_binary("b/python3");
        char *search_path = NULL;

        (void)state;
        (void)scratch_write("a/python3", "not executable");
        assert_true(asprintf(&search_path, ":relative:/nowhere:%s/a:%s/b:/usr/bin", scratch_root,
                             scratch_root) > 0);
        (void)scratch_keep(search_path);
        assert_found("python3", search_path, second);
        assert_not_found("python9", "/a:/b", INTERPRETER_E_NOT_FOUND, "no python9 in '/a:/b'");
}

static void test_venv(void **state) {
        const char *binary = make_binary("base/python3.11");

        (void)state;
        (void)scratch_write("venv/pyvenv.cfg", "");
        assert_not_found(scratch_path("venv"), NULL, INTERPRETER_E_NOT_FOUND, "has no bin/python");
        (void)scratch_write("venv/bin/activate", "");
        /* the link is kept, not resolved */
        assert_int_equal(symlink(binary, scratch_path("venv/bin/python3")), 0);
        assert_found(scratch_path("venv"), NULL, scratch_path("venv/bin/python3"));
        assert_found(scratch_path("venv/"), NULL, scratch_path("venv/bin/python3"));
        assert_int_equal(symlink(binary, scratch_path("venv/bin/python")), 0);
        assert_found(scratch_path("venv"), NULL, scratch_path("venv/bin/python"));
        assert_int_equal(unlink(binary), 0);
        assert_not_found(scratch_path("venv"), NULL, INTERPRETER_E_NOT_FOUND, "is gone");
        assert_not_found(scratch_path("venv/bin/python"), NULL, INTERPRETER_E_NOT_FOUND, "is gone");
        (void)scratch_write("other/bin/python", "x");
        assert_not_found(scratch_path("other"), NULL, INTERPRETER_E_UNUSABLE,
                         "bin/python' is not executable");
}

static void test_shim(void **state) {
        static const struct {
                const char *script, *words; /* NULL: it works */
        } rows[] = {
                {"#!/bin/sh\necho noise; echo \"spr-executable:$ROOT/real\"; echo more\n", NULL},
                {"#!/bin/sh\nexit 0\n", "it said nothing"},
                {"#!/bin/sh\necho 'pyenv: no version set' >&2; exit 127\n",
                 "(exit status 127): pyenv: no version set"},
                {"#!/bin/sh\necho spr-executable:/nowhere/python\n", "does not lead"},
        };

        (void)state;
        (void)make_binary("real");
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const char *shim = scratch_write("shim/python3", rows[i].script);
                char *root = NULL, *path = NULL;
                const char *environment[] = {NULL, "PYTHONHOME=/evil", NULL};
                const InterpreterQuery query = {.name = shim, .environment = environment};
                Failure failure = FAILURE_NULL;

                assert_true(asprintf(&root, "ROOT=%s", scratch_root) > 0);
                environment[0] = scratch_keep(root);
                if (!rows[i].words) {
                        assert_int_equal(interpreter_find(&query, &path, &failure), 0);
                        assert_string_equal(scratch_keep(path), scratch_path("real"));
                } else {
                        assert_int_equal(interpreter_find(&query, &path, &failure),
                                         INTERPRETER_E_UNUSABLE);
                        assert_non_null(strstr(failure.text, rows[i].words));
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_by_path, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_by_name, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_venv, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_shim, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
