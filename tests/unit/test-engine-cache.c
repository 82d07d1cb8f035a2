/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "engine/cache.h"
#include "scratch.h"

static const char *
directory_of(const char *root, const char *python, const char *const *packages, bool sdist) {
        _cleanup_(strings_deinitp) Strings set = STRINGS_NULL;
        Failure failure = FAILURE_NULL;
        char *directory = NULL;

        assert_int_equal(strings_add_array(&set, packages), 0);
        assert_int_equal(cache_directory(root, python, &set, sdist, &directory, &failure), 0);
        return scratch_keep(directory);
}

static void test_what_counts(void **state) {
        const char *const ab[] = {"a==1", "b==1", NULL}, *const ba[] = {"b==1", "a==1", NULL},
                          *const a[] = {"a==1", NULL};
        const char *python = scratch_write("python3.11", "1"), *base;

        (void)state;
        assert_int_equal(symlink("python3.11", scratch_path("python3")), 0);
        base = directory_of("/cache", python, ab, false);
        assert_memory_equal(base, "/cache/safe-py-runner/envs/", 27);
        assert_int_equal(strlen(base), 27 + 16);
        /* neither the order of packages nor the name of the interpreter */
        assert_string_equal(directory_of("/cache", python, ba, false), base);
        assert_string_equal(directory_of("/cache", scratch_path("python3"), ab, false), base);
        /* but the set, the interpreter, and where packages may come from */
        assert_string_not_equal(directory_of("/cache", python, a, false), base);
        assert_string_not_equal(directory_of("/cache", python, ab, true), base);
        assert_string_not_equal(directory_of("/cache", scratch_write("python3.12", "1"), ab, false),
                                base);
        (void)scratch_write("python3.11", "upgraded");
        assert_string_not_equal(directory_of("/cache", python, ab, false), base);
}

static void test_refusals(void **state) {
        const Strings none = STRINGS_NULL;
        Failure failure = FAILURE_NULL;
        char *directory = NULL;

        (void)state;
        assert_int_equal(cache_directory("cache", "/bin/sh", &none, false, &directory, &failure),
                         -EINVAL);
        assert_string_equal(failure.text, "cache directory 'cache' is not an absolute path");
        assert_int_equal(cache_directory("/c", "/nowhere", &none, false, &directory, &failure),
                         -ENOENT);
        assert_non_null(strstr(failure.text, "'/nowhere'"));
        assert_null(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_counts, scratch_setup, scratch_teardown),
                cmocka_unit_test(test_refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
