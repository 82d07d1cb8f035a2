/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "engine/environment.h"

/* A name, or the beginning of names where it ends in "*". */
static const char *const dropped[] = {
        "CLICOLOR*",
        "FORCE_COLOR",
        "NO_COLOR",
        "PIP_BREAK_SYSTEM_PACKAGES",
        "PIP_DISABLE_PIP_VERSION_CHECK",
        "PIP_DRY_RUN",
        "PIP_NO_BINARY",
        "PIP_NO_INPUT",
        "PIP_ONLY_BINARY",
        "PIP_PREFIX",
        "PIP_PYTHON",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_ROOT",
        "PIP_TARGET",
        "PIP_USER",
        "PYTHON*", /* PYTHONPATH, PYTHONHOME, PYTHONSTARTUP, … */
        "UV_BREAK_SYSTEM_PACKAGES",
        "UV_NO_BINARY*",
        "UV_NO_BUILD*",
        "UV_PREFIX",
        "UV_PROJECT*",
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
        "UV_TARGET",
        "UV_VENV_*",
        "UV_WORKING_DIR*",
        "VIRTUAL_ENV*",
        "__PYVENV_LAUNCHER__",
};

static const char *const added[] = {
        "NO_COLOR=1",
        "PIP_DISABLE_PIP_VERSION_CHECK=1",
        "PIP_NO_INPUT=1",
        NULL,
};

static bool name_matches(const char *variable, size_t length, const char *pattern) {
        size_t n = strlen(pattern);

        if (n > 0 && pattern[n - 1] == '*')
                return length >= n - 1 && memcmp(variable, pattern, n - 1) == 0;
        return length == n && memcmp(variable, pattern, n) == 0;
}

static bool variable_is_dropped(const char *variable) {
        const char *equals = strchr(variable, '=');

        if (!equals || equals == variable)
                return true; /* not a variable at all */
        for (size_t i = 0; i < ARRAY_SIZE(dropped); ++i)
                if (name_matches(variable, (size_t)(equals - variable), dropped[i]))
                        return true;
        return false;
}

int environment_build(Strings *environment, const char *const *variables, const char *search_path) {
        bool has_path = false;
        int r = 0;

        for (; variables && *variables && r == 0; ++variables) {
                if (variable_is_dropped(*variables))
                        continue;
                has_path = has_path || strncmp(*variables, "PATH=", 5) == 0;
                r = strings_add(environment, *variables);
        }
        if (r == 0 && !has_path)
                r = strings_addf(environment, "PATH=%s",
                                 search_path ? search_path : ENVIRONMENT_SEARCH_PATH);
        return r == 0 ? strings_add_array(environment, added) : r;
}
