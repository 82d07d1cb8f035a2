/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "fake-uv.h"
#include "spr/spr.h"

static void options_freep(SprVenvOptions **optionsp) {
        (void)spr_venv_options_free(*optionsp);
}

static SprVenvOptions *make_options(void) {
        SprVenvOptions *options = NULL;

        assert_int_equal(spr_venv_options_new(&options), 0);
        assert_int_equal(spr_venv_options_set_search_path(options, fake_search_path()), 0);
        assert_int_equal(spr_venv_options_set_python(options, scratch_path("base/python3.11")), 0);
        assert_int_equal(spr_venv_options_set_directory(options, scratch_path("venv")), 0);
        return options;
}

static void test_packages(void **state) {
        _cleanup_(options_freep) SprVenvOptions *options = make_options();
        SprError error = {0};

        (void)state;
        assert_int_equal(spr_venv_options_add_package(options, "six==1.16.0", &error), 0);
        assert_int_equal(spr_venv_options_add_package(options, "six", &error), SPR_E_INVALID);
        assert_int_equal(error.code, SPR_E_INVALID);
        assert_non_null(strstr(error.message, "pinned"));
        assert_int_equal(spr_venv_options_add_package(options, "six", NULL), SPR_E_INVALID);
        assert_int_equal(spr_venv_options_add_requirement(options, "six>1", &error), 0);
        assert_int_equal(spr_venv_options_add_requirement(options, "/x", &error), SPR_E_INVALID);
        assert_int_equal(spr_venv_options_set_manager(options, (SprVenvManager)7), SPR_E_INVALID);
}

static void count_line(void *userdata, const char *line) {
        assert_non_null(line);
        ++*(unsigned int *)userdata;
}

static void test_ensure(void **state) {
        _cleanup_(options_freep) SprVenvOptions *options = NULL;
        const char *const environment[] = {"WORD=hello", "PYTHONPATH=/evil", NULL};
        unsigned int n_lines = 0;
        SprError error = {0};
        char *python = NULL;

        (void)state;
        (void)fake_uv_install();
        fake_uv_orders("echo \"$WORD $PYTHONPATH.\" >\"$root/variables\"\n");
        options = make_options();
        assert_int_equal(spr_venv_options_set_manager(options, SPR_VENV_MANAGER_UV), 0);
        assert_int_equal(spr_venv_options_set_environment(options, environment), 0);
        assert_int_equal(spr_venv_options_add_package(options, "a==1", &error), 0);
        spr_venv_options_set_progress(options, count_line, &n_lines);
        spr_venv_options_set_allow_sdist(options, true);
        assert_int_equal(spr_venv_ensure(options, &python, &error), 0);
        assert_string_equal(scratch_keep(python), scratch_path("venv/bin/python"));
        assert_string_equal(scratch_read("variables"), "hello .\n");
        assert_null(strstr(scratch_read("installs"), "--only-binary"));
        assert_int_equal(n_lines, 2);
}

static void test_errors(void **state) {
        static const struct {
                const char *python, *orders, *directory, *words;
                int code;
        } rows[] = {
                {"python9", "", "venv", "no python9 in '", SPR_E_INTERPRETER},
                {NULL, "echo oops; exit 1", "venv", "oops", SPR_E_ENVIRONMENT},
                {NULL, "kill -INT $$", "venv", "interrupted", SPR_E_INTERRUPTED},
                {NULL, "", "file/venv", "cannot make directory '", SPR_E_ENVIRONMENT},
                {NULL, "", "", "directory is empty", SPR_E_INVALID},
        };

        (void)state;
        (void)fake_uv_install();
        (void)scratch_write("file", "");
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(options_freep) SprVenvOptions *options = make_options();
                SprError error = {0};
                char *python = NULL;

                fake_uv_orders(rows[i].orders);
                if (rows[i].python)
                        assert_int_equal(spr_venv_options_set_python(options, rows[i].python), 0);
                assert_int_equal(spr_venv_options_set_directory(
                                         options, rows[i].directory[0]
                                                          ? scratch_path(rows[i].directory)
                                                          : NULL),
                                 0);
                assert_int_equal(spr_venv_ensure(options, &python, &error), rows[i].code);
                assert_int_equal(error.code, rows[i].code);
                assert_non_null(strstr(error.message, rows[i].words));
                assert_null(python);
        }
}

static void test_cache_directory(void **state) {
        _cleanup_(options_freep) SprVenvOptions *options = NULL;
        char *directory = NULL;
        SprError error = {0};

        (void)state;
        (void)fake_uv_install();
        options = make_options();
        assert_int_equal(spr_venv_cache_directory(options, "/cache", &directory, &error), 0);
        assert_memory_equal(scratch_keep(directory), "/cache/safe-py-runner/envs/", 27);
        assert_int_equal(spr_venv_cache_directory(options, "cache", &directory, &error),
                         SPR_E_INVALID);
        assert_int_equal(spr_venv_options_set_python(options, "/nowhere"), 0);
        assert_int_equal(spr_venv_cache_directory(options, "/cache", &directory, &error),
                         SPR_E_INTERPRETER);
}

static void test_find_interpreter(void **state) {
        const char *base = fake_uv_install();
        SprError error = {0};
        char *path = NULL;

        (void)state;
        assert_int_equal(spr_find_interpreter(base, NULL, NULL, &path, &error), 0);
        assert_string_equal(scratch_keep(path), base);
        assert_int_equal(spr_find_interpreter("python3", "/nowhere", NULL, &path, &error),
                         SPR_E_INTERPRETER);
        assert_string_equal(error.message, "no python3 in '/nowhere'");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_packages),        TEST(test_ensure),           TEST(test_errors),
                TEST(test_cache_directory), TEST(test_find_interpreter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
