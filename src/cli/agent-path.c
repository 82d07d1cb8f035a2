/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "cli/agent-path.h"

/* Relative to the directory of the program; the likeliest first. */
static const char *const patterns[] = {
        "spr-agent",
        "../libexec/spr/spr-agent",
        "../lib*/python3*/site-packages/safe_py_runner/spr-agent",
        "../lib*/python3*/dist-packages/safe_py_runner/spr-agent",
};

static bool is_executable(const char *path) {
        return access(path, X_OK) == 0;
}

static int pattern_match(const char *pattern, char **pathp) {
        glob_t matches = {0};
        int r = 0;

        if (glob(pattern, 0, NULL, &matches) == 0 && is_executable(matches.gl_pathv[0])) {
                *pathp = strdup(matches.gl_pathv[0]);
                r = *pathp ? 0 : -ENOMEM;
        }
        globfree(&matches);
        return r;
}

int agent_path_find(const char *executable, char **pathp) {
        const char *slash = strrchr(executable, '/');
        int length = slash ? (int)(slash - executable) : 0;
        char *path = NULL;

        for (size_t i = 0; slash && i < ARRAY_SIZE(patterns) && !path; i++) {
                _cleanup_(freep) char *pattern = NULL;
                int r = 0;

                if (asprintf(&pattern, "%.*s/%s", length, executable, patterns[i]) < 0)
                        return -ENOMEM;
                if (strchr(patterns[i], '*'))
                        r = pattern_match(pattern, &path);
                else if (is_executable(pattern))
                        path = take_ptr(&pattern);
                if (r)
                        return r;
        }
        *pathp = path;
        return 0;
}
