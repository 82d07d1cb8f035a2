/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/venv-marker.h"

#define INCOMPLETE_TEXT "safe-py-runner is making this venv, or was interrupted while making it\n"

void venv_marker_deinit(VenvMarker *marker) {
        free(marker->manager);
        free(marker->python);
        free(marker->python_version);
        strings_deinit(&marker->packages);
        *marker = VENV_MARKER_NULL;
}

static int text_replace(char **textp, const char *value) {
        char *copy;

        if (!value)
                return 0;
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(*textp);
        *textp = copy;
        return 0;
}

int venv_marker_set(VenvMarker *marker,
                    const char *manager,
                    const char *python,
                    const char *python_version) {
        int r = text_replace(&marker->manager, manager);

        if (r == 0)
                r = text_replace(&marker->python, python);
        if (r == 0)
                r = text_replace(&marker->python_version, python_version);
        return r;
}

/* reading */

static int read_text(const char *directory, const char *name, char **textp, size_t *lengthp) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        _cleanup_(closep) int fd = -1;
        struct stat status;
        int r;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode) || status.st_size > VENV_MARKER_MAX)
                return -EINVAL;
        text = malloc((size_t)status.st_size + 1);
        if (!text)
                return -ENOMEM;
        r = fd_pread_all(fd, text, (size_t)status.st_size, 0);
        if (r < 0)
                return r;
        *textp = take_ptr(&text);
        *lengthp = (size_t)status.st_size;
        return 0;
}

static int marker_from_json(VenvMarker *marker, const json_t *root) {
        const json_t *packages = json_object_get(root, "packages");
        const char *manager = json_string_value(json_object_get(root, "manager"));
        const char *python = json_string_value(json_object_get(root, "python"));
        const char *version = json_string_value(json_object_get(root, "python_version"));
        int r;

        if (!json_is_array(packages) || !manager || !python || !version)
                return VENV_MARKER_E_NONE;
        marker->created = json_is_true(json_object_get(root, "created"));
        marker->installing = !json_is_false(json_object_get(root, "installing"));
        r = venv_marker_set(marker, manager, python, version);
        for (size_t i = 0; i < json_array_size(packages) && r == 0; ++i) {
                const char *package = json_string_value(json_array_get(packages, i));

                r = package ? strings_add(&marker->packages, package) : VENV_MARKER_E_NONE;
        }
        return r;
}

int venv_marker_read(VenvMarker *marker, const char *directory) {
        _cleanup_(venv_marker_deinitp) VenvMarker found = VENV_MARKER_NULL;
        _cleanup_(freep) char *text = NULL;
        _cleanup_(json_decrefp) json_t *root = NULL;
        size_t length;
        int r;

        r = read_text(directory, VENV_MARKER_NAME, &text, &length);
        if (r < 0)
                return r == -ENOMEM ? r : VENV_MARKER_E_NONE;
        root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        r = root ? marker_from_json(&found, root) : VENV_MARKER_E_NONE;
        if (r != 0)
                return r;
        *marker = found;
        found = VENV_MARKER_NULL;
        return 0;
}

/* writing */

static char *marker_to_json(const VenvMarker *marker) {
        _cleanup_(json_decrefp) json_t *root = NULL;
        json_t *packages = json_array();

        for (size_t i = 0; i < marker->packages.n_items; ++i)
                (void)json_array_append_new(packages, json_string(marker->packages.items[i]));
        root = json_pack("{s:i, s:b, s:b, s:s, s:s, s:s, s:o}", "version", 1, "created",
                         marker->created, "installing", marker->installing, "manager",
                         marker->manager, "python", marker->python, "python_version",
                         marker->python_version, "packages", packages);
        return root ? json_dumps(root, JSON_INDENT(2)) : NULL;
}

static int write_file(const char *path, const char *text) {
        _cleanup_(closep) int fd =
                open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        int r;

        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, text, strlen(text));
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

static int sync_directory(const char *path) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int venv_marker_write(const VenvMarker *marker, const char *directory, Failure *failure) {
        _cleanup_(freep) char *text = marker_to_json(marker), *path = NULL, *next = NULL;
        int r = -EILSEQ; /* a path that is not UTF-8 */

        if (text && asprintf(&path, "%s/%s", directory, VENV_MARKER_NAME) >= 0 &&
            asprintf(&next, "%s.new", path) >= 0)
                r = write_file(next, text);
        if (r == 0 && rename(next, path) < 0)
                r = -errno;
        if (r == 0)
                r = sync_directory(directory);
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, -r, "cannot write '%s/%s'",
                                     directory, VENV_MARKER_NAME);
        return 0;
}

/* the flag */

bool venv_is_incomplete(const char *directory) {
        _cleanup_(freep) char *text = NULL;
        size_t length;

        if (read_text(directory, VENV_INCOMPLETE_NAME, &text, &length) < 0)
                return false;
        /* the text tells our flag from a file of the user's; a cut one is empty */
        return length == 0 ||
               (length == strlen(INCOMPLETE_TEXT) && memcmp(text, INCOMPLETE_TEXT, length) == 0);
}

int venv_set_incomplete(const char *directory, bool incomplete, Failure *failure) {
        _cleanup_(freep) char *path = NULL;
        int r = 0;

        if (asprintf(&path, "%s/%s", directory, VENV_INCOMPLETE_NAME) < 0)
                r = -ENOMEM;
        else if (incomplete)
                r = write_file(path, INCOMPLETE_TEXT);
        else if (unlink(path) < 0)
                r = -errno;
        if (r < 0)
                return failure_errno(failure, FAILURE_STAGE_ENVIRONMENT, -r, "cannot write '%s/%s'",
                                     directory, VENV_INCOMPLETE_NAME);
        return 0;
}
