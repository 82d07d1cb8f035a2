/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "engine/cache.h"
#include "engine/packages.h"

static int interpreter_identity(const char *python, bool allow_sdist, char **identityp) {
        char resolved[PATH_MAX];
        struct stat status;

        if (!realpath(python, resolved) || stat(resolved, &status) < 0)
                return -errno;
        if (asprintf(identityp, "%s %jd %jd.%09ld %s", resolved, (intmax_t)status.st_size,
                     (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                     allow_sdist ? "sdist" : "wheels") < 0)
                return -ENOMEM;
        return 0;
}

int cache_directory(const char *root,
                    const char *python,
                    const Strings *packages,
                    bool allow_sdist,
                    char **directoryp,
                    Failure *failure) {
        _cleanup_(strings_deinitp) Strings sorted = STRINGS_NULL;
        _cleanup_(freep) char *identity = NULL;
        char *directory = NULL;
        int r;

        if (root[0] != '/')
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "cache directory '%s' is not an absolute path", root);
        r = interpreter_identity(python, allow_sdist, &identity);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, -r,
                                     "cannot look at interpreter '%s'", python);
        r = strings_add_array(&sorted, strings_array(packages));
        strings_sort(&sorted);
        if (r < 0 || asprintf(&directory, "%s/safe-py-runner/envs/%016" PRIx64, root,
                              packages_hash(&sorted, identity)) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                     "cannot name a cache directory");
        *directoryp = directory;
        return 0;
}
