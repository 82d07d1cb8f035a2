/* SPDX-License-Identifier: MIT */
/*
 * Making a venv, once
 *
 * A venv cannot be built aside and renamed (its scripts hold its path), so it is built in place,
 * under a lock, with a flag:
 *
 *         absent, empty ──────────► .incomplete ─► venv ─► packages ─► marker ─► no flag: ready
 *         .incomplete found ──clear──┘
 *         ready, packages missing ► marker "installing" ─► packages ─► marker
 *
 * Whoever finds bin/python and no flag may use the venv; the order of those two looks matters, and
 * they need neither lock nor write access, so that a ready venv costs three system calls. A process
 * killed in the middle leaves the flag, or the word "installing"; the next one starts the venv
 * anew, or reinstalls, because a wheel that was copied halfway looks installed to pip.
 *
 * A venv without marker is its user's. It is never cleared.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/directory.h"
#include "engine/environment.h"
#include "engine/interpreter.h"
#include "engine/packages.h"
#include "engine/venv-lock.h"
#include "engine/venv-marker.h"
#include "engine/venv.h"

/* Not the venv's own: what may lie in a directory that counts as empty, and survives a clearing. */
static const char *const ours[] = {VENV_LOCK_NAME, VENV_INCOMPLETE_NAME, NULL};

typedef struct Venv {
        const VenvOptions *options;
        const char *search_path;
        char *directory; /* absolute */
        Strings packages;
        Installer installer;
        int lock_fd;
        bool created_directory;
} Venv;

static void venv_deinit(Venv *venv) {
        free(venv->directory);
        strings_deinit(&venv->packages);
        installer_deinit(&venv->installer);
        venv->lock_fd = fd_close(venv->lock_fd);
}

/* progress */

static void _printf_(2, 3) venv_say(const Venv *venv, const char *format, ...) {
        char line[COMMAND_LINE_MAX];
        va_list args;

        if (!venv->options->progress)
                return;
        va_start(args, format);
        if (vsnprintf(line, sizeof(line), format, args) >= 0)
                venv->options->progress(venv->options->userdata, line);
        va_end(args);
}

/* judging what is there */

static bool marker_holds(const VenvMarker *marker, const Strings *packages) {
        return !marker->installing && packages_are_among(packages, &marker->packages);
}

/* Ours, and its interpreter is another one than it was built on: gone, or replaced. */
static bool venv_is_outdated(const VenvMarker *marker, const char *python) {
        char resolved[PATH_MAX];

        if (!marker->created)
                return false;
        return !python || !realpath(python, resolved) || strcmp(resolved, marker->python) != 0;
}

/* What needs no lock: 0 and the interpreter where the venv can be used as it is. */
static int venv_use_as_is(const Venv *venv, char **pythonp) {
        _cleanup_(venv_marker_deinitp) VenvMarker marker = VENV_MARKER_NULL;
        _cleanup_(freep) char *python = NULL;
        int r;

        r = interpreter_find_in_venv(venv->directory, &python, NULL);
        if (r == 0)
                r = venv_is_incomplete(venv->directory) ? VENV_E_FAILED : 0;
        if (r != 0)
                return r;
        r = venv_marker_read(&marker, venv->directory);
        if (r < 0)
                return r;
        if (r == 0 && venv_is_outdated(&marker, python))
                return VENV_E_FAILED;
        if (venv->packages.n_items > 0 && (r != 0 || !marker_holds(&marker, &venv->packages)))
                return VENV_E_FAILED;
        *pythonp = take_ptr(&python);
        return 0;
}

/* making */

/* "version = 3.11.2" (venv) or "version_info = 3.11.2" (uv) */
static const char *version_in_line(const char *line) {
        size_t n = strcspn(line, " =");

        if ((n != strlen("version") && n != strlen("version_info")) ||
            strncmp(line, "version_info", n) != 0)
                return NULL;
        return line + n + strspn(line + n, " =");
}

/* What pyvenv.cfg says; "" where it says nothing. */
static void read_version(const char *directory, char *version, size_t size) {
        _cleanup_(freep) char *path = NULL;
        char line[256];
        FILE *file;

        version[0] = '\0';
        if (asprintf(&path, "%s/pyvenv.cfg", directory) < 0)
                return;
        file = fopen(path, "re");
        if (!file)
                return;
        while (fgets(line, sizeof(line), file)) {
                const char *found = version_in_line(line);

                if (found)
                        (void)snprintf(version, size, "%.*s", (int)strcspn(found, "\n"), found);
        }
        (void)fclose(file);
}

static int
venv_write_marker(const Venv *venv, VenvMarker *marker, const char *python, Failure *failure) {
        char resolved[PATH_MAX], version[64];
        int r;

        if (!realpath(python, resolved))
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, errno,
                                     "cannot resolve '%s'", python);
        read_version(venv->directory, version, sizeof(version));
        r = venv_marker_set(marker, installer_name(&venv->installer), resolved, version);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r, "cannot note '%s'",
                                     venv->directory);
        return venv_marker_write(marker, venv->directory, failure);
}

static int verdict_from_installer(int r) {
        if (r == INSTALLER_E_INTERRUPTED)
                return VENV_E_INTERRUPTED;
        return r > 0 ? VENV_E_FAILED : r;
}

static int venv_find_base(const Venv *venv, char **basep, Failure *failure) {
        const InterpreterQuery query = {
                .name = venv->options->python ? venv->options->python : "python3",
                .search_path = venv->search_path,
                .environment = venv->options->environment,
        };
        int r = interpreter_find(&query, basep, failure);

        return r > 0 ? VENV_E_INTERPRETER : r;
}

static int venv_set_packages(const Venv *venv, VenvMarker *marker, Failure *failure) {
        int r;

        strings_deinit(&marker->packages);
        r = strings_add_array(&marker->packages, strings_array(&venv->packages));
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -r, "cannot note packages");
        return 0;
}

static int venv_fill(const Venv *venv, const char *python, bool again, Failure *failure) {
        int r;

        venv_say(venv, "installing %s%s into '%s'", venv->packages.items[0],
                 venv->packages.n_items > 1 ? " and others" : "", venv->directory);
        r = installer_install(&venv->installer, python, &venv->packages, again, failure);
        return verdict_from_installer(r);
}

/* Everything behind the flag. */
static int venv_build(const Venv *venv, char **pythonp, Failure *failure) {
        _cleanup_(venv_marker_deinitp) VenvMarker marker = VENV_MARKER_NULL;
        _cleanup_(freep) char *base = NULL, *python = NULL;
        int r;

        r = venv_find_base(venv, &base, failure);
        if (r != 0)
                return r;
        venv_say(venv, "making venv '%s' with %s on '%s'", venv->directory,
                 installer_name(&venv->installer), base);
        r = installer_make_venv(&venv->installer, base, venv->directory, failure);
        if (r != 0)
                return verdict_from_installer(r);
        r = interpreter_find_in_venv(venv->directory, &python, failure);
        if (r != 0)
                return r < 0 ? r : VENV_E_FAILED;
        if (venv->packages.n_items > 0)
                r = venv_fill(venv, python, false, failure);
        if (r != 0)
                return r;
        marker.created = true;
        r = venv_set_packages(venv, &marker, failure);
        if (r == 0)
                r = venv_write_marker(venv, &marker, python, failure);
        if (r == 0)
                *pythonp = take_ptr(&python);
        return r;
}

/* An orderly failure leaves nothing behind: a disk that is full stays no fuller. */
static void venv_abandon(const Venv *venv) {
        static const char *const lock[] = {VENV_LOCK_NAME, NULL};

        if (directory_clear(venv->directory, venv->created_directory ? NULL : lock, NULL) < 0)
                return; /* the flag says so to the next attempt */
        if (venv->created_directory)
                (void)rmdir(venv->directory); /* somebody else may have come in */
}

static int venv_create(const Venv *venv, char **pythonp, Failure *failure) {
        int r;

        r = venv_set_incomplete(venv->directory, true, failure);
        if (r == 0)
                r = directory_clear(venv->directory, ours, failure);
        if (r < 0)
                return r;
        r = venv_build(venv, pythonp, failure);
        if (r == 0) {
                r = venv_set_incomplete(venv->directory, false, failure);
                if (r == 0)
                        return 0;
                free(take_ptr(pythonp));
        }
        venv_abandon(venv);
        return r;
}

static int
venv_install(const Venv *venv, VenvMarker *marker, const char *python, Failure *failure) {
        bool again = marker->installing;
        int r;

        strings_deinit(&marker->packages);
        marker->installing = true;
        r = venv_write_marker(venv, marker, python, failure);
        if (r < 0)
                return r;
        r = venv_fill(venv, python, again, failure);
        if (r != 0)
                return r;
        marker->installing = false;
        r = venv_set_packages(venv, marker, failure);
        return r == 0 ? venv_write_marker(venv, marker, python, failure) : r;
}

/* With the lock: what happened before we got it decides. */
static int venv_make_or_fill(const Venv *venv, char **pythonp, Failure *failure) {
        _cleanup_(venv_marker_deinitp) VenvMarker marker = VENV_MARKER_NULL;
        _cleanup_(freep) char *python = NULL;
        int marked, found;

        if (venv_use_as_is(venv, pythonp) == 0)
                return 0; /* another process did it while we waited */
        if (venv_is_incomplete(venv->directory) || directory_is_empty(venv->directory, ours))
                return venv_create(venv, pythonp, failure);
        marked = venv_marker_read(&marker, venv->directory);
        if (marked < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, -marked,
                                     "cannot read the marker of '%s'", venv->directory);
        found = interpreter_find_in_venv(venv->directory, &python, failure);
        if (found < 0)
                return found;
        if (marked == 0 && venv_is_outdated(&marker, python))
                return venv_create(venv, pythonp, failure);
        if (found > 0)
                return VENV_E_FAILED;
        found = venv_install(venv, &marker, python, failure);
        if (found == 0)
                *pythonp = take_ptr(&python);
        return found;
}

/* preparing */

static int venv_init(Venv *venv, const VenvOptions *options, Failure *failure) {
        int r = 0;

        venv->options = options;
        venv->search_path = options->search_path ? options->search_path : ENVIRONMENT_SEARCH_PATH;
        if (!options->directory || !options->directory[0])
                return failure_set(failure, FAILURE_STAGE_REQUEST, EINVAL,
                                   "the venv's directory is empty");
        venv->directory = directory_absolute(options->directory);
        if (options->packages)
                r = strings_add_array(&venv->packages, strings_array(options->packages));
        if (!venv->directory || r < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                     "cannot prepare venv '%s'", options->directory);
        strings_sort(&venv->packages);
        return 0;
}

/* Before anything is written: is this a place for a venv at all? */
static int venv_check_place(const Venv *venv, Failure *failure) {
        _cleanup_(freep) char *config = NULL;
        struct stat status;

        if (stat(venv->directory, &status) < 0)
                return 0; /* absent; what else may be wrong shows when it is made */
        if (!S_ISDIR(status.st_mode)) {
                (void)failure_set(failure, FAILURE_STAGE_ENVIRONMENT, ENOTDIR,
                                  "'%s' is not a directory", venv->directory);
                return VENV_E_FAILED;
        }
        if (asprintf(&config, "%s/pyvenv.cfg", venv->directory) < 0)
                return failure_errno(failure, FAILURE_STAGE_RESOURCES, ENOMEM,
                                     "cannot look at '%s'", venv->directory);
        if (access(config, F_OK) == 0 || venv_is_incomplete(venv->directory) ||
            directory_is_empty(venv->directory, ours))
                return 0;
        (void)failure_set(
                failure, FAILURE_STAGE_ENVIRONMENT, ENOTEMPTY,
                "'%s' is not a venv (no pyvenv.cfg) and not empty: name another directory",
                venv->directory);
        return VENV_E_FAILED;
}

int venv_ensure(const VenvOptions *options, char **pythonp, Failure *failure) {
        _cleanup_(venv_deinit) Venv venv = {.lock_fd = -1};
        int r;

        r = venv_init(&venv, options, failure);
        if (r < 0)
                return r;
        if (venv_use_as_is(&venv, pythonp) == 0)
                return 0;
        r = venv_check_place(&venv, failure);
        if (r != 0)
                return r;
        r = installer_init(&venv.installer, options->manager, venv.search_path,
                           options->environment, failure);
        if (r != 0)
                return verdict_from_installer(r);
        venv.installer.allow_sdist = options->allow_sdist;
        venv.installer.line = options->progress;
        venv.installer.userdata = options->userdata;
        r = venv_lock(venv.directory, options->progress, options->userdata, &venv.created_directory,
                      &venv.lock_fd, failure);
        if (r == VENV_LOCK_E_INTERRUPTED)
                return VENV_E_INTERRUPTED;
        return r == 0 ? venv_make_or_fill(&venv, pythonp, failure) : r;
}
