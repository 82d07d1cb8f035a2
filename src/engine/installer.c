/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/environment.h"
#include "engine/installer.h"

#define SUMMARY_MAX 300 /* of the installer's words, in our error */

void installer_deinit(Installer *installer) {
        free(installer->uv);
        strings_deinit(&installer->environment);
        *installer = INSTALLER_NULL;
}

const char *installer_name(const Installer *installer) {
        return installer->manager == INSTALLER_MANAGER_UV ? "uv" : "python";
}

/* NULL: not found, or out of memory. */
static char *find_program(const char *name, const char *search_path) {
        for (const char *place = search_path; place;) {
                const char *end = strchrnul(place, ':');
                _cleanup_(freep) char *path = NULL;

                if (*place == '/' &&
                    asprintf(&path, "%.*s/%s", (int)(end - place), place, name) >= 0 &&
                    access(path, X_OK) == 0)
                        return take_ptr(&path);
                place = *end ? end + 1 : NULL;
        }
        return NULL;
}

int installer_init(Installer *installer,
                   InstallerManager manager,
                   const char *search_path,
                   const char *const *environment,
                   Failure *failure) {
        _cleanup_(installer_deinitp) Installer made = INSTALLER_NULL;
        int r;

        if (manager != INSTALLER_MANAGER_PYTHON)
                made.uv = find_program("uv", search_path);
        if (manager == INSTALLER_MANAGER_UV && !made.uv) {
                (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOENT,
                                  "uv is not installed: 'pip install uv', or use python as the "
                                  "manager (looked in '%s')",
                                  search_path);
                return INSTALLER_E_MISSING;
        }
        made.manager = made.uv ? INSTALLER_MANAGER_UV : INSTALLER_MANAGER_PYTHON;
        r = environment_build(&made.environment, environment, search_path);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r,
                                     "cannot prepare the installer");
        *installer = made;
        made = INSTALLER_NULL;
        return 0;
}

/* running */

static int installer_verdict(const char *action, const CommandResult *result, Failure *failure) {
        char summary[SUMMARY_MAX];

        if (result->exit_status == 0)
                return 0;
        if (result->exit_status == 128 + SIGINT) {
                (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EINTR, "%s: interrupted",
                                  action);
                return INSTALLER_E_INTERRUPTED;
        }
        command_result_summary(result, summary, sizeof(summary));
        if (result->signal)
                (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EIO,
                                  "%s failed, ended by signal %d%s%s", action, result->signal,
                                  summary[0] ? ": " : "", summary);
        else
                (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, EIO,
                                  "%s failed with exit status %d%s%s", action, result->exit_status,
                                  summary[0] ? ": " : "", summary);
        return INSTALLER_E_FAILED;
}

static int installer_run(const Installer *installer,
                         const Strings *argv,
                         CommandResult *result,
                         Failure *failure) {
        const CommandOptions options = {
                .argv = strings_array(argv),
                .environment = strings_array(&installer->environment),
                .line = installer->line,
                .userdata = installer->userdata,
        };

        return command_run(&options, result, failure);
}

static int argv_failure(int r, Failure *failure) {
        return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r, "cannot prepare the installer");
}

/* making venvs */

static int installer_make_venv_argv(const Installer *installer,
                                    const char *python,
                                    const char *directory,
                                    Strings *argv) {
        /* The directory is there, with our flag in it. */
        const char *const uv[] = {
                installer->uv, "venv", "--allow-existing", "--no-python-downloads",
                "--python",    python, directory,          NULL,
        };
        const char *const venv[] = {python, "-I", "-m", "venv", directory, NULL};

        return strings_add_array(argv, installer->manager == INSTALLER_MANAGER_UV ? uv : venv);
}

/* What Debian's python3 and others without the module or ensurepip say. */
static bool venv_module_is_missing(const CommandResult *result) {
        return strstr(result->tail, "ensurepip") || strstr(result->tail, "No module named venv");
}

int installer_make_venv(const Installer *installer,
                        const char *python,
                        const char *directory,
                        Failure *failure) {
        _cleanup_(strings_deinitp) Strings argv = STRINGS_NULL;
        CommandResult result;
        int r;

        r = installer_make_venv_argv(installer, python, directory, &argv);
        if (r < 0)
                return argv_failure(r, failure);
        r = installer_run(installer, &argv, &result, failure);
        if (r < 0)
                return r;
        if (installer->manager == INSTALLER_MANAGER_PYTHON && result.exit_status != 0 &&
            venv_module_is_missing(&result)) {
                (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOENT,
                                  "'%s' cannot make venvs: 'apt-get install python3-venv', or "
                                  "'pip install uv' and use uv as the manager",
                                  python);
                return INSTALLER_E_MISSING;
        }
        return installer_verdict(installer->manager == INSTALLER_MANAGER_UV ? "uv venv"
                                                                            : "python -m venv",
                                 &result, failure);
}

/* installing */

static int
installer_uv_argv(const Installer *installer, const char *python, bool again, Strings *argv) {
        const char *const command[] = {
                installer->uv, "pip", "install", "--python", python, "--compile-bytecode", NULL,
        };
        int r = strings_add_array(argv, command);

        if (r == 0 && again)
                r = strings_add(argv, "--reinstall");
        return r;
}

static int installer_pip_argv(const char *python, bool again, Strings *argv) {
        const char *const command[] = {
                python,           "-I",  "-m", "pip", "install", "--compile", "--no-input",
                "--progress-bar", "off", NULL,
        };
        int r = strings_add_array(argv, command);

        if (r == 0 && again)
                r = strings_add(argv, "--force-reinstall");
        return r;
}

static int installer_install_argv(const Installer *installer,
                                  const char *python,
                                  const Strings *packages,
                                  bool again,
                                  Strings *argv) {
        int r;

        if (installer->manager == INSTALLER_MANAGER_UV)
                r = installer_uv_argv(installer, python, again, argv);
        else
                r = installer_pip_argv(python, again, argv);
        if (r == 0 && !installer->allow_sdist)
                r = strings_add(argv, "--only-binary");
        if (r == 0 && !installer->allow_sdist)
                r = strings_add(argv, ":all:");
        return r == 0 ? strings_add_array(argv, strings_array(packages)) : r;
}

/* A venv that uv made, or one made with --without-pip, has no pip; Python brings one. */
static int installer_ensure_pip(const Installer *installer, const char *python, Failure *failure) {
        const char *const probe[] = {
                python,
                "-I",
                "-c",
                "import importlib.util, sys; "
                "sys.exit(importlib.util.find_spec('pip') is None)",
                NULL,
        };
        const char *const ensure[] = {python, "-I", "-m", "ensurepip", "--default-pip", NULL};
        _cleanup_(strings_deinitp) Strings argv = STRINGS_NULL;
        CommandResult result;
        int r;

        r = strings_add_array(&argv, probe);
        if (r == 0)
                r = installer_run(installer, &argv, &result, failure);
        if (r < 0 || result.exit_status == 0)
                return r;
        strings_deinit(&argv);
        r = strings_add_array(&argv, ensure);
        if (r == 0)
                r = installer_run(installer, &argv, &result, failure);
        if (r < 0 || result.exit_status == 0)
                return r;
        (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOENT,
                          "'%s' has no pip and cannot get one: 'apt-get install python3-venv', or "
                          "'pip install uv' and use uv as the manager",
                          python);
        return INSTALLER_E_MISSING;
}

int installer_install(const Installer *installer,
                      const char *python,
                      const Strings *packages,
                      bool again,
                      Failure *failure) {
        _cleanup_(strings_deinitp) Strings argv = STRINGS_NULL;
        CommandResult result;
        int r;

        if (installer->manager == INSTALLER_MANAGER_PYTHON) {
                r = installer_ensure_pip(installer, python, failure);
                if (r != 0)
                        return r;
        }
        r = installer_install_argv(installer, python, packages, again, &argv);
        if (r < 0)
                return argv_failure(r, failure);
        r = installer_run(installer, &argv, &result, failure);
        if (r < 0)
                return r;
        return installer_verdict(installer->manager == INSTALLER_MANAGER_UV ? "uv pip install"
                                                                            : "pip install",
                                 &result, failure);
}
