/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "scratch.h"

static void test_absolute(void **state) {
        static const struct {
                const char *path, *absolute;
        } rows[] = {
                {"/a/b", "/a/b"}, {"/a/b///", "/a/b"}, {"/", "/"}, {"///", "/"}, {"x/y/", "/x/y"},
        };
        char before[4096];

        (void)state;
        assert_non_null(getcwd(before, sizeof(before)));
        assert_int_equal(chdir("/usr"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(freep) char *path = directory_absolute(rows[i].path);

                assert_non_null(path);
                if (rows[i].path[0] == '/')
                        assert_string_equal(path, rows[i].absolute);
                else
                        assert_string_equal(path, "/usr/x/y");
        }
        assert_int_equal(chdir(before), 0);
}

static void test_make_with_parents(void **state) {
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(directory_make(scratch_path("a/b/c"), &failure), 0);
        assert_true(scratch_exists("a/b/c"));
        assert_int_equal(directory_make(scratch_path("a/b/c"), &failure), DIRECTORY_E_EXISTS);
        assert_int_equal(directory_make(scratch_path("a/b"), &failure), DIRECTORY_E_EXISTS);
        (void)scratch_write("file", "x");
        assert_int_equal(directory_make(scratch_path("file/d"), &failure), -ENOTDIR);
        assert_non_null(strstr(failure.text, "cannot make directory '"));
}

static void test_clear_keeps_what_is_named(void **state) {
        static const char *const keep[] = {"kept", NULL};
        Failure failure = FAILURE_NULL;

        (void)state;
        (void)scratch_write("outside", "x");
        (void)scratch_write("d/kept", "x");
        (void)scratch_write("d/gone", "x");
        (void)scratch_write("d/sub/kept", "x");
        (void)scratch_write("d/sub/deep/gone", "x");
        assert_int_equal(symlink("../outside", scratch_path("d/link")), 0);
        assert_int_equal(symlink("..", scratch_path("d/sub/up")), 0);
        assert_false(directory_is_empty(scratch_path("d"), keep));
        assert_int_equal(directory_clear(scratch_path("d"), keep, &failure), 0);
        assert_true(scratch_exists("d/kept"));
        assert_true(scratch_exists("outside"));
        assert_false(scratch_exists("d/sub"));
        assert_false(scratch_exists("d/link"));
        assert_true(directory_is_empty(scratch_path("d"), keep));
        assert_false(directory_is_empty(scratch_path("d"), NULL));
        assert_false(directory_is_empty(scratch_path("nowhere"), NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_absolute),
                cmocka_unit_test_setup_teardown(test_make_with_parents, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_clear_keeps_what_is_named, scratch_setup,
                                                scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
