/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fd.h"
#include "sandbox/cgroup-file.h"
#include "tree.h"

static const TreeRow rows[] = {
        {"group", ""},          {"group/inner", ""}, {"group/file", "-"},
        {"group/link", "file"}, {"alias", "group"},
};

static int setup(void **state) {
        (void)state;
        tree_new("/tmp", rows, ARRAY_SIZE(rows));
        return 0;
}

static int teardown(void **state) {
        (void)state;
        tree_free();
        return 0;
}

static void test_directory(void **state) {
        static const struct {
                const char *path;
                int error;
        } table[] = {
                {"group", 0},           {"group/inner/", 0},      {"/group//inner", 0},
                {"alias", ENOTDIR},     {"alias/inner", ENOTDIR}, {"group/file", ENOTDIR},
                {"group/none", ENOENT},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                int fd = cgroup_directory_open(tree_path(table[i].path));

                assert_int_equal(fd < 0 ? -fd : 0, table[i].error);
                (void)fd_close(fd);
        }
}

static void test_files(void **state) {
        char text[8];
        int fd = cgroup_directory_open(tree_path(""));

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(cgroup_file_write(fd, "group/file", "12345678\n"), 0);
        assert_int_equal(cgroup_file_read(fd, "group/file", text, sizeof(text)), 7);
        assert_string_equal(text, "1234567");
        assert_int_equal(cgroup_file_write(fd, "group/link", "1"), -ELOOP);
        assert_int_equal(cgroup_file_read(fd, "group/link", text, sizeof(text)), -ELOOP);
        assert_int_equal(cgroup_file_write(fd, "group/none", "1"), -ENOENT);
        assert_int_equal(cgroup_file_write(fd, "group/file", "cpu pids"), 0);
        assert_true(cgroup_file_has(fd, "group/file", "cpu"));
        assert_false(cgroup_file_has(fd, "group/file", "io"));
        assert_false(cgroup_file_has(fd, "group/none", "cpu"));
        (void)fd_close(fd);
}

static void test_fields(void **state) {
        static const char text[] = "anon 10\nfile 20\nfile_mapped 30\nbad x\nlast 40";

        (void)state;
        assert_int_equal(cgroup_text_field(text, "anon"), 10);
        assert_int_equal(cgroup_text_field(text, "file"), 20);
        assert_int_equal(cgroup_text_field(text, "mapped"), 0);
        assert_int_equal(cgroup_text_field(text, "bad"), 0);
        assert_int_equal(cgroup_text_field(text, "last"), 40);
        assert_int_equal(cgroup_text_field("", "anon"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_directory),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_fields),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
