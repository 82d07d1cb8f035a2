/* SPDX-License-Identifier: MIT */
#include "engine/installer.h"
#include "scratch.h"

/* Notes its name and arguments, then does as the file "orders" says. */
#define RECORDER                                                                                   \
        "#!/bin/sh\n"                                                                              \
        "root=${0%/*}\n"                                                                           \
        "echo \"${0##*/} $*\" >>\"$root/log\"\n"                                                   \
        ". \"$root/orders\"\n"

static const char *const calls_uv_venv =
        "uv venv --allow-existing --no-python-downloads --python /base/python /venv\n";

static void prepare(const char *orders) {
        (void)scratch_write("uv", RECORDER);
        (void)scratch_write("python", RECORDER);
        (void)scratch_write("orders", orders);
        (void)unlink(scratch_path("log"));
}

static void installer_of(Installer *installer, InstallerManager manager) {
        Failure failure = FAILURE_NULL;

        *installer = INSTALLER_NULL;
        assert_int_equal(installer_init(installer, manager, scratch_root, NULL, &failure), 0);
}

static void test_choice_of_manager(void **state) {
        _cleanup_(installer_deinitp) Installer installer = INSTALLER_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        assert_int_equal(installer_init(&installer, INSTALLER_MANAGER_UV, "/nowhere:/bin/nothing",
                                        NULL, &failure),
                         INSTALLER_E_MISSING);
        assert_non_null(strstr(failure.text, "pip install uv"));
        assert_non_null(strstr(failure.text, "/nowhere:/bin/nothing"));
        assert_null(installer.uv);

        assert_int_equal(
                installer_init(&installer, INSTALLER_MANAGER_AUTO, "/nowhere", NULL, &failure), 0);
        assert_string_equal(installer_name(&installer), "python");
        installer_deinit(&installer);

        prepare("");
        installer_of(&installer, INSTALLER_MANAGER_AUTO);
        assert_string_equal(installer_name(&installer), "uv");
        assert_string_equal(installer.uv, scratch_path("uv"));
        installer_deinit(&installer);

        installer_of(&installer, INSTALLER_MANAGER_PYTHON);
        assert_string_equal(installer_name(&installer), "python");
}

static void test_uv_is_asked(void **state) {
        _cleanup_(installer_deinitp) Installer installer = INSTALLER_NULL;
        _cleanup_(strings_deinitp) Strings packages = STRINGS_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        prepare("");
        installer_of(&installer, INSTALLER_MANAGER_UV);
        assert_int_equal(installer_make_venv(&installer, "/base/python", "/venv", &failure), 0);
        assert_string_equal(scratch_read("log"), calls_uv_venv);

        prepare("");
        assert_int_equal(strings_add(&packages, "a==1"), 0);
        assert_int_equal(strings_add(&packages, "b==2"), 0);
        assert_int_equal(
                installer_install(&installer, "/venv/bin/python", &packages, false, &failure), 0);
        installer.allow_sdist = true;
        assert_int_equal(
                installer_install(&installer, "/venv/bin/python", &packages, true, &failure), 0);
        assert_string_equal(scratch_read("log"),
                            "uv pip install --python /venv/bin/python --compile-bytecode "
                            "--only-binary :all: a==1 b==2\n"
                            "uv pip install --python /venv/bin/python --compile-bytecode "
                            "--reinstall a==1 b==2\n");
}

static void test_python_is_asked(void **state) {
        _cleanup_(installer_deinitp) Installer installer = INSTALLER_NULL;
        _cleanup_(strings_deinitp) Strings packages = STRINGS_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        /* pip is not there at first */
        prepare("case $* in *find_spec*) [ -e \"$root/pip\" ];; *ensurepip*) >\"$root/pip\";; "
                "esac");
        installer_of(&installer, INSTALLER_MANAGER_PYTHON);
        assert_int_equal(strings_add(&packages, "a==1"), 0);
        assert_int_equal(installer_make_venv(&installer, scratch_path("python"), "/venv", &failure),
                         0);
        assert_string_equal(scratch_read("log"), "python -I -m venv /venv\n");
        assert_int_equal(
                installer_install(&installer, scratch_path("python"), &packages, false, &failure),
                0);
        assert_non_null(strstr(scratch_read("log"),
                               "python -I -m ensurepip --default-pip\n"
                               "python -I -m pip install --compile --no-input --progress-bar off "
                               "--only-binary :all: a==1\n"));
}

static void test_failures(void **state) {
        static const struct {
                InstallerManager manager;
                const char *orders, *words;
                int r;
        } rows[] = {
                {INSTALLER_MANAGER_UV, "echo first; echo 'No space left on device' >&2; exit 2",
                 "uv venv failed with exit status 2: first; No space left on device",
                 INSTALLER_E_FAILED},
                {INSTALLER_MANAGER_UV, "exit 1", "uv venv failed with exit status 1",
                 INSTALLER_E_FAILED},
                {INSTALLER_MANAGER_UV, "kill -TERM $$", "uv venv failed, ended by signal 15",
                 INSTALLER_E_FAILED},
                {INSTALLER_MANAGER_UV, "kill -INT $$", "interrupted", INSTALLER_E_INTERRUPTED},
                {INSTALLER_MANAGER_UV, "exit 130", "interrupted", INSTALLER_E_INTERRUPTED},
                {INSTALLER_MANAGER_PYTHON, "echo 'No module named venv'; exit 1",
                 "apt-get install python3-venv", INSTALLER_E_MISSING},
                {INSTALLER_MANAGER_PYTHON, "echo 'because ensurepip is not available'; exit 1",
                 "apt-get install python3-venv", INSTALLER_E_MISSING},
                {INSTALLER_MANAGER_PYTHON, "echo oops; exit 1",
                 "python -m venv failed with exit status 1: oops", INSTALLER_E_FAILED},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                _cleanup_(installer_deinitp) Installer installer = INSTALLER_NULL;
                Failure failure = FAILURE_NULL;

                prepare(rows[i].orders);
                installer_of(&installer, rows[i].manager);
                assert_int_equal(
                        installer_make_venv(&installer, scratch_path("python"), "/venv", &failure),
                        rows[i].r);
                assert_non_null(strstr(failure.text, rows[i].words));
        }
}

static void test_no_pip_is_named(void **state) {
        _cleanup_(installer_deinitp) Installer installer = INSTALLER_NULL;
        const Strings packages = STRINGS_NULL;
        Failure failure = FAILURE_NULL;

        (void)state;
        prepare("exit 1");
        installer_of(&installer, INSTALLER_MANAGER_PYTHON);
        assert_int_equal(
                installer_install(&installer, scratch_path("python"), &packages, false, &failure),
                INSTALLER_E_MISSING);
        assert_non_null(strstr(failure.text, "has no pip"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_choice_of_manager, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_uv_is_asked, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_python_is_asked, scratch_setup,
                                                scratch_teardown),
                cmocka_unit_test_setup_teardown(test_failures, scratch_setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_no_pip_is_named, scratch_setup,
                                                scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
