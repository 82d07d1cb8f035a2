/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "engine/venv-marker.h"
#include "scratch.h"

static void test_round_trip(void **state) {
        _cleanup_(venv_marker_deinitp) VenvMarker written = VENV_MARKER_NULL;
        _cleanup_(venv_marker_deinitp) VenvMarker read = VENV_MARKER_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        written.created = true;
        assert_int_equal(venv_marker_set(&written, "uv", "/usr/bin/python3.11", "3.11.2"), 0);
        assert_int_equal(strings_add(&written.packages, "a==1"), 0);
        assert_int_equal(strings_add(&written.packages, "b[x]==2"), 0);
        assert_int_equal(venv_marker_write(&written, scratch_root, &failure), 0);
        assert_false(scratch_exists(VENV_MARKER_NAME ".new"));
        assert_int_equal(venv_marker_read(&read, scratch_root), 0);
        assert_true(read.created);
        assert_false(read.installing);
        assert_string_equal(read.manager, "uv");
        assert_string_equal(read.python, "/usr/bin/python3.11");
        assert_string_equal(read.python_version, "3.11.2");
        assert_int_equal(read.packages.n_items, 2);
        assert_string_equal(read.packages.items[1], "b[x]==2");
}

static void test_unreadable_is_none(void **state) {
        static const char *const texts[] = {
                "",
                "{",
                "[]",
                "{}",
                "{\"packages\": [], \"manager\": \"uv\", \"python\": \"/x\"}",
                "{\"packages\": [1], \"manager\": \"uv\", \"python\": \"/x\", "
                "\"python_version\": \"\"}",
                "{\"packages\": {}, \"manager\": \"uv\", \"python\": \"/x\", "
                "\"python_version\": \"\"}",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                VenvMarker marker = VENV_MARKER_NULL;

                (void)scratch_write(VENV_MARKER_NAME, texts[i]);
                assert_int_equal(venv_marker_read(&marker, scratch_root), VENV_MARKER_E_NONE);
                assert_null(marker.manager);
        }
        assert_int_equal(unlink(scratch_path(VENV_MARKER_NAME)), 0);
        assert_int_equal(mkfifo(scratch_path(VENV_MARKER_NAME), 0600), 0);
        assert_int_equal(venv_marker_read(&(VenvMarker){.created = false}, scratch_root),
                         VENV_MARKER_E_NONE);
}

/* What does not say that an installation ended is taken for one that did not. */
static void test_installing_is_the_default(void **state) {
        _cleanup_(venv_marker_deinitp) VenvMarker marker = VENV_MARKER_NULL;

        (void)state;
        (void)scratch_write(VENV_MARKER_NAME, "{\"packages\": [], \"manager\": \"uv\", \"python\": "
                                              "\"/x\", \"python_version\": \"\"}");
        assert_int_equal(venv_marker_read(&marker, scratch_root), 0);
        assert_true(marker.installing);
        assert_false(marker.created);
}

static void test_write_failure_is_named(void **state) {
        _cleanup_(venv_marker_deinitp) VenvMarker marker = VENV_MARKER_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(venv_marker_set(&marker, "uv", "/x", ""), 0);
        assert_int_equal(venv_marker_write(&marker, scratch_path("nowhere"), &failure), -ENOENT);
        assert_non_null(strstr(failure.text, "cannot write '"));
}

static void test_flag(void **state) {
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_false(venv_is_incomplete(scratch_root));
        assert_int_equal(venv_set_incomplete(scratch_root, true, &failure), 0);
        assert_true(venv_is_incomplete(scratch_root));
        assert_int_equal(venv_set_incomplete(scratch_root, true, &failure), 0);
        assert_int_equal(venv_set_incomplete(scratch_root, false, &failure), 0);
        assert_false(venv_is_incomplete(scratch_root));
        assert_int_equal(venv_set_incomplete(scratch_root, false, &failure), -ENOENT);
        /* somebody else's file of that name */
        (void)scratch_write(VENV_INCOMPLETE_NAME, "my notes");
        assert_false(venv_is_incomplete(scratch_root));
        /* the disk was full when it was written */
        (void)scratch_write(VENV_INCOMPLETE_NAME, "");
        assert_true(venv_is_incomplete(scratch_root));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_round_trip, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_unreadable_is_none, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_installing_is_the_default, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_write_failure_is_named, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_flag, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
