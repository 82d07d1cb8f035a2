/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/command.h"
#include "engine/directory.h"
#include "engine/environment.h"
#include "engine/interpreter.h"

#define SHIM_TIMEOUT_NS (30 * NSEC_PER_SEC)
#define SHIM_MARK       "spr-executable:" /* a shim may print other things too */

typedef struct ShimAnswer {
        char *path;
        int error;
} ShimAnswer;

static int out_of_memory(Failure *failure, const char *subject) {
        return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                             "cannot look for the interpreter '%s'", subject);
}

/* The words go to @failure_, the number to our caller. */
#define not_found(failure_, code, ...)                                                             \
        ((void)failure_set(failure_, FAILURE_STAGE_ENVIRONMENT, code, __VA_ARGS__),                \
         INTERPRETER_E_NOT_FOUND)
#define unusable(failure_, code, ...)                                                              \
        ((void)failure_set(failure_, FAILURE_STAGE_ENVIRONMENT, code, __VA_ARGS__),                \
         INTERPRETER_E_UNUSABLE)

static bool is_executable_file(const char *path) {
        struct stat status;

        return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool is_link(const char *path) {
        struct stat status;

        return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

static bool is_script(const char *path) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        char magic[2];

        return fd >= 0 && fd_read(fd, magic, sizeof(magic)) == 2 && memcmp(magic, "#!", 2) == 0;
}

/* shims */

static void shim_listen(void *userdata, const char *line) {
        ShimAnswer *answer = userdata;

        if (strncmp(line, SHIM_MARK, strlen(SHIM_MARK)) != 0)
                return;
        free(answer->path);
        answer->path = strdup(line + strlen(SHIM_MARK));
        answer->error = answer->path ? 0 : -ENOMEM;
}

static int
shim_resolve(const InterpreterQuery *query, const char *shim, char **pathp, Failure *failure) {
        const char *argv[] = {
                shim, "-I", "-S", "-c", "import sys; print('" SHIM_MARK "' + sys.executable)", NULL,
        };
        _cleanup_(strings_deinitp) Strings environment = STRINGS_NULL;
        CommandResult result = COMMAND_RESULT_NULL;
        ShimAnswer answer = {.path = NULL};
        char summary[200];
        int r;

        r = environment_build(&environment, query->environment, query->search_path);
        if (r < 0)
                return out_of_memory(failure, shim);
        r = command_run(
                &(CommandOptions){
                        .argv = argv,
                        .environment = strings_array(&environment),
                        .timeout_ns = SHIM_TIMEOUT_NS,
                        .line = shim_listen,
                        .userdata = &answer,
                },
                &result, failure);
        if (r == 0 && result.exit_status == 0 && answer.path && is_executable_file(answer.path)) {
                *pathp = answer.path;
                return 0;
        }
        free(answer.path);
        if (r < 0 || answer.error < 0)
                return r < 0 ? INTERPRETER_E_UNUSABLE : out_of_memory(failure, shim);
        command_result_summary(&result, summary, sizeof(summary));
        return unusable(failure, ENOEXEC,
                        "'%s' is a script that does not lead to an interpreter (exit status "
                        "%d): %s",
                        shim, result.exit_status, summary[0] ? summary : "it said nothing");
}

/* places */

static int
find_at_path(const InterpreterQuery *query, const char *path, char **pathp, Failure *failure) {
        struct stat status;

        if (stat(path, &status) < 0) {
                if (is_link(path))
                        return not_found(failure, ENOENT,
                                         "'%s' is a link to an interpreter that is gone", path);
                return not_found(failure, errno, "no interpreter at '%s': %s", path,
                                 strerror(errno));
        }
        if (S_ISDIR(status.st_mode))
                return interpreter_find_in_venv(path, pathp, failure);
        if (!is_executable_file(path))
                return unusable(failure, EACCES, "'%s' is not executable", path);
        if (is_script(path))
                return shim_resolve(query, path, pathp, failure);
        *pathp = strdup(path);
        return *pathp ? 0 : out_of_memory(failure, path);
}

static int find_by_name(const InterpreterQuery *query, char **pathp, Failure *failure) {
        const char *place = query->search_path;

        while (place) {
                const char *end = strchrnul(place, ':');
                _cleanup_(freep) char *path = NULL;

                /* an empty or relative place means the working directory: never */
                if (*place == '/') {
                        if (asprintf(&path, "%.*s/%s", (int)(end - place), place, query->name) < 0)
                                return out_of_memory(failure, query->name);
                        if (is_executable_file(path))
                                return find_at_path(query, path, pathp, failure);
                }
                place = *end ? end + 1 : NULL;
        }
        if (!query->search_path)
                return not_found(failure, ENOENT, "interpreter '%s' is not an absolute path",
                                 query->name);
        return not_found(failure, ENOENT, "no %s in '%s'", query->name, query->search_path);
}

int interpreter_find(const InterpreterQuery *query, char **pathp, Failure *failure) {
        _cleanup_(freep) char *path = NULL;

        if (!query->name || !query->name[0])
                return not_found(failure, EINVAL, "the interpreter's name is empty");
        if (!strchr(query->name, '/'))
                return find_by_name(query, pathp, failure);
        path = directory_absolute(query->name);
        return path ? find_at_path(query, path, pathp, failure)
                    : out_of_memory(failure, query->name);
}

int interpreter_find_in_venv(const char *directory, char **pathp, Failure *failure) {
        static const char *const names[] = {"bin/python", "bin/python3"};
        _cleanup_(freep) char *base = directory_absolute(directory);
        bool dangling = false;

        if (!base)
                return out_of_memory(failure, directory);
        if (access(base, F_OK) < 0) {
                return not_found(failure, errno, "no venv at '%s': %s", directory, strerror(errno));
        }
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                _cleanup_(freep) char *path = NULL;

                if (asprintf(&path, "%s/%s", base, names[i]) < 0)
                        return out_of_memory(failure, directory);
                if (is_executable_file(path)) {
                        *pathp = take_ptr(&path);
                        return 0;
                }
                if (access(path, F_OK) == 0)
                        return unusable(failure, EACCES, "'%s' is not executable", path);
                dangling = dangling || is_link(path);
        }
        if (dangling)
                return not_found(failure, ENOENT,
                                 "the interpreter of venv '%s' is gone: make the venv anew",
                                 directory);
        return not_found(failure, ENOENT, "venv '%s' has no bin/python", directory);
}
