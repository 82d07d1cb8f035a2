/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/options.h"
#include "wire/frame.h"
#include "wire/messages.h"

#define DEFAULT_PYTHON          "/usr/bin/python3"
#define DEFAULT_STARTUP_NS      (30 * NSEC_PER_SEC)
#define ENVIRONMENT_STRINGS_MAX (FRAME_PAYLOAD_MAX - sizeof(EnvOpenFrame))

static int string_replace(char **stringp, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*stringp);
        *stringp = copy;
        return 0;
}

_public_ int spr_engine_options_new(SprEngineOptions **optionsp) {
        _cleanup_(spr_engine_options_freep) SprEngineOptions *options = calloc(1, sizeof(*options));
        int r;

        if (!options)
                return -ENOMEM;
        buffer_init(&options->preloads, ENVIRONMENT_STRINGS_MAX);
        options->audit_fd = -1;
        options->startup_timeout_ns = DEFAULT_STARTUP_NS;
        options->n_standbys = ENV_STANDBYS_ADAPTIVE;
        options->queue = QUEUE_LIMITS_NULL;
        r = string_replace(&options->python, DEFAULT_PYTHON);
        if (!r)
                r = string_replace(&options->agent, SPR_AGENT_PATH);
        if (r)
                return r;
        *optionsp = take_ptr(&options);
        return 0;
}

_public_ SprEngineOptions *spr_engine_options_free(SprEngineOptions *options) {
        if (!options)
                return NULL;
        free(options->python);
        free(options->agent);
        free(options->audit_path);
        (void)fd_close(options->audit_fd);
        buffer_deinit(&options->preloads);
        strings_deinit(&options->command);
        free(options);
        return NULL;
}

_public_ int spr_engine_options_set_python(SprEngineOptions *options, const char *path) {
        return string_replace(&options->python, path);
}

_public_ int spr_engine_options_set_venv(SprEngineOptions *options, const char *directory) {
        char *path;

        if (asprintf(&path, "%s/bin/python", directory) < 0)
                return -ENOMEM;
        free(options->python);
        options->python = path;
        return 0;
}

_public_ int spr_engine_options_set_agent(SprEngineOptions *options, const char *path) {
        return string_replace(&options->agent, path);
}

_public_ int spr_engine_options_set_command(SprEngineOptions *options, const char *const *argv) {
        Strings command = STRINGS_NULL;

        if (!argv[0])
                return SPR_E_INVALID;
        if (strings_add_array(&command, argv)) {
                strings_deinit(&command);
                return -ENOMEM;
        }
        strings_deinit(&options->command);
        options->command = command;
        return 0;
}

_public_ void spr_engine_options_set_shell_hop(SprEngineOptions *options, bool shell_hop) {
        options->shell_hop = shell_hop;
}

_public_ void spr_engine_options_set_exclusive_tmp(SprEngineOptions *options, bool exclusive) {
        options->exclusive_tmp = exclusive;
}

/* Python allows letters of any script; what they are is found out when the module is imported. */
static bool is_name_character(unsigned char c, bool first) {
        return c == '_' || c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c >= '0' && c <= '9' && !first);
}

/* "numpy", "os.path": names with dots between them. */
static bool is_module_path(const char *module) {
        bool first = true;

        for (const char *at = module; *at; ++at) {
                if (*at == '.' && !first)
                        first = true;
                else if (is_name_character((unsigned char)*at, first))
                        first = false;
                else
                        return false;
        }
        return !first;
}

/* What is wrong is remembered, since only spr_engine_new() can say it in words. */
static int options_refuse_preload(SprEngineOptions *options, const char *module, const char *why) {
        if (options->fault.stage == FAILURE_STAGE_NONE) {
                (void)failure_set(&options->fault, FAILURE_STAGE_REQUEST, EINVAL,
                                  "cannot preload '%.128s': %s", module, why);
                failure_sanitise(&options->fault);
        }
        return SPR_E_INVALID;
}

_public_ int spr_engine_options_add_preload(SprEngineOptions *options, const char *module) {
        int r;

        if (!is_module_path(module))
                return options_refuse_preload(options, module, "not the name of a module");
        r = buffer_append(&options->preloads, module, strlen(module) + 1);
        if (r > 0)
                return options_refuse_preload(options, module, "too many names");
        if (r)
                return r;
        ++options->n_preloads;
        return 0;
}

_public_ void spr_engine_options_set_preload_auto(SprEngineOptions *options, bool preload_auto) {
        options->preload_auto = preload_auto;
}

_public_ void spr_engine_options_set_max_concurrency(SprEngineOptions *options, uint32_t n) {
        options->queue.max_concurrency = n;
}

_public_ void spr_engine_options_set_max_queue(SprEngineOptions *options, uint32_t n) {
        options->queue.max_queue = n;
}

_public_ void spr_engine_options_set_acquire_timeout_ns(SprEngineOptions *options,
                                                        uint64_t timeout_ns) {
        options->queue.acquire_timeout_ns = timeout_ns;
}

_public_ int spr_engine_options_set_startup_timeout_ns(SprEngineOptions *options,
                                                       uint64_t timeout_ns) {
        if (timeout_ns == 0)
                return SPR_E_INVALID;
        options->startup_timeout_ns = timeout_ns;
        return 0;
}

_public_ int spr_engine_options_set_standbys(SprEngineOptions *options, uint32_t n) {
        if (n > ENV_STANDBYS_MAX)
                return SPR_E_INVALID;
        options->n_standbys = n;
        return 0;
}

_public_ int spr_engine_options_set_audit_log(SprEngineOptions *options, const char *path) {
        int r = string_replace(&options->audit_path, path);

        if (!r)
                options->audit_fd = fd_close(options->audit_fd);
        return r;
}

_public_ int spr_engine_options_set_audit_fd(SprEngineOptions *options, int fd) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

        if (copy < 0)
                return -errno;
        (void)fd_close(options->audit_fd);
        options->audit_fd = copy;
        free(options->audit_path);
        options->audit_path = NULL;
        return 0;
}

_public_ void spr_engine_options_set_debug(SprEngineOptions *options, bool debug) {
        options->debug = debug;
}

/* The agent wants an absolute path. Links stay as they are: a venv's python is one, and is known by
 * where it lies. */
static int options_absolute_python(const char *python, char **pathp, Failure *failure) {
        _cleanup_(freep) char *directory = NULL;

        if (!strchr(python, '/'))
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "cannot use interpreter '%s': not a path", python);
        if (python[0] == '/') {
                *pathp = strdup(python);
                return *pathp ? 0
                              : failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                            "out of memory");
        }
        directory = getcwd(NULL, 0);
        if (!directory)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, errno,
                                     "cannot find interpreter '%s' from here", python);
        if (asprintf(pathp, "%s/%s", directory, python) < 0)
                return failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
        return 0;
}

/* Empty: the one that the command leads to. */
static int options_python(const SprEngineOptions *options, char **pathp, Failure *failure) {
        if (options->command.n_items == 0)
                return options_absolute_python(options->python, pathp, failure);
        *pathp = strdup("");
        return *pathp ? 0 : failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory");
}

static uint32_t options_flags(const SprEngineOptions *options) {
        return (options->preload_auto ? ENV_FLAG_PRELOAD_AUTO : 0u) |
               (options->exclusive_tmp ? ENV_FLAG_EXCLUSIVE_TMP : 0u);
}

int options_to_environment(const SprEngineOptions *options, Blob **blobp, Failure *failure) {
        _cleanup_(buffer_deinitp) Buffer payload;
        _cleanup_(freep) char *python = NULL;
        EnvOpenFrame frame = {
                .startup_timeout_ns = options->startup_timeout_ns,
                .n_preloads = options->n_preloads,
                .n_standbys = options->n_standbys,
                .flags = options_flags(options),
        };
        int r;

        buffer_init(&payload, FRAME_PAYLOAD_MAX);
        if (options->fault.stage != FAILURE_STAGE_NONE) {
                *failure = options->fault;
                return -failure->code;
        }
        r = options_python(options, &python, failure);
        if (r)
                return r;
        r = buffer_append(&payload, &frame, sizeof(frame));
        if (!r)
                r = buffer_append(&payload, python, strlen(python) + 1);
        if (!r)
                r = buffer_append(&payload, buffer_bytes(&options->preloads),
                                  buffer_length(&options->preloads));
        if (r == BUFFER_E_FULL)
                return failure_set(failure, FAILURE_STAGE_REQUEST, E2BIG,
                                   "the interpreter's path and preloads are too long");
        if (!r)
                r = blob_new(blobp, buffer_bytes(&payload), buffer_length(&payload));
        return r ? failure_lit(failure, FAILURE_STAGE_RESOURCES, ENOMEM, "out of memory") : 0;
}
